#include "data/json_values.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "data/whole_numbers.h"
#include "files/json_file.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::string_view_literals;

constexpr std::string_view kBlank = " \t\r\n\f\v";

// Keys under which people wrap a list of records.
constexpr std::array kWrappers = {"data"sv, "train"sv, "rows"sv, "records"sv, "examples"sv, "instances"sv};

Json parse(std::string_view text, const std::string& place) {
  LQ_CHECK(utf8::is_valid(text), kCorruptFile,
           "{}: not UTF-8, which JSON is (from another encoding: iconv -f ENCODING -t UTF-8)", place);
  Json value = parse_ordered_json(text, place);
  check_whole_numbers(text, value, place);
  return value;
}

// Where a JSON value ends: counts brackets outside of strings. Knows no more of JSON than that.
class Brackets {
 public:
  // Looks at one character; true when the value that began with the first bracket ends with it.
  bool ends_with(char c) {
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
      return false;
    }
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    return (c == '}' || c == ']') && --depth_ <= 0;
  }
  bool in_string() const { return in_string_; }
  std::int64_t depth() const { return depth_; }

 private:
  std::int64_t depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

// Where the value at the front of text ends: npos where it goes on behind the text.
std::size_t end_of_value(std::string_view text) {
  Brackets brackets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (brackets.ends_with(text[i])) return i + 1;
  }
  return std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

bool is_wrapped_list(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::ranges::all_of(value, [](const Json& v) { return v.is_object(); });
}

}  // namespace

bool looks_like_json(std::string_view head) {
  head = trimmed(head);
  if (head.empty()) return false;
  const std::string_view inner = trimmed(head.substr(1));
  if (head.front() == '[') return inner.starts_with('{') || inner.starts_with(']');
  if (head.front() != '{') return false;
  if (inner.starts_with('}')) return true;
  // A key and a colon.
  if (!inner.starts_with('"')) return false;
  const std::size_t quote = inner.find('"', 1);
  return quote != std::string_view::npos && trimmed(inner.substr(quote + 1)).starts_with(':');
}

JsonValues::JsonValues(LineReader lines, DataReport* report) : lines_(std::move(lines)), report_(report) {}

std::string JsonValues::place() const {
  if (listed_) return fmt::format("{}: record {}", name(), number_);
  return fmt::format("{}:{}", name(), line_);
}

bool JsonValues::fetch() {
  std::string text;
  do {
    if (!lines_.next(text)) return false;
  } while (trimmed(text).empty());
  pending_.push_back({std::move(text), lines_.line_number()});
  return true;
}

void JsonValues::find_shape() {
  shape_ = Shape::kLines;
  if (!fetch()) return;
  const bool second = fetch();
  const std::string_view first = trimmed(pending_[0].text);
  const std::size_t end = end_of_value(first);
  const bool one_value = end == first.size();
  if (first.front() == '[') {
    // A list a line is no file of ours, but the error should name the line.
    const bool lines = one_value && second && pending_[1].text.find_first_of("{[") == 0;
    shape_ = lines ? Shape::kLines : Shape::kList;
  } else if (first.front() == '{' && !one_value) {
    // An object that does not end in its line: written over lines, unless the next line begins one too.
    const bool damaged = end == std::string_view::npos && second && pending_[1].text.starts_with('{');
    shape_ = damaged ? Shape::kLines : Shape::kValues;
  }
  if (shape_ == Shape::kList) {
    listed_ = true;
    skip_blank();
    ++at_;  // the bracket
  }
}

bool JsonValues::next(Json& value) {
  goes_on_ = false;
  if (shape_ == Shape::kUnknown) find_shape();
  if (shape_ == Shape::kList) return next_element(value);
  if (shape_ == Shape::kWrapped) {
    if (number_ == std::ssize(wrapped_)) return false;
    value = std::move(wrapped_[static_cast<std::size_t>(number_++)]);
    goes_on_ = true;
    return true;
  }
  const bool first = std::exchange(first_, false);
  if (!(shape_ == Shape::kLines ? next_line(value) : next_value(value))) return false;
  if (first && value.is_object() && !skip_blank()) unwrap(value);
  return true;
}

bool JsonValues::next_line(Json& value) {
  if (pending_.empty() && !fetch()) return false;
  const Line line = std::move(pending_.front());
  pending_.pop_front();
  line_ = line.number;
  goes_on_ = true;
  value = parse(trimmed(line.text), place());
  return true;
}

bool JsonValues::skip_blank() {
  for (;;) {
    if (pending_.empty() && !fetch()) return false;
    at_ = pending_.front().text.find_first_not_of(kBlank, at_);
    if (at_ != std::string::npos) return true;
    pending_.pop_front();
    at_ = 0;
  }
}

std::string JsonValues::take_value() {
  Brackets brackets;
  std::string out;
  const std::int64_t begin = pending_.front().number;
  for (;;) {
    const std::string& text = pending_.front().text;
    for (std::size_t i = at_; i < text.size(); ++i) {
      // A scalar, in a list, ends before what separates it.
      const bool scalar = brackets.depth() == 0 && !brackets.in_string();
      const bool ends = scalar && (text[i] == ',' || text[i] == ']' || text[i] == '}');
      if (!ends && !brackets.ends_with(text[i])) continue;
      const std::size_t end = ends ? i : i + 1;
      out.append(text, at_, end - at_);
      at_ = end;
      return out;
    }
    out.append(text, at_);
    out.push_back('\n');
    LQ_CHECK(out.size() <= (std::size_t{1} << 30), kUnsupported, "{}:{}: a record of more than {} bytes",
             name(), begin, std::size_t{1} << 30);
    pending_.pop_front();
    at_ = 0;
    LQ_CHECK(!pending_.empty() || fetch(), kCorruptFile,
             "{}:{}: not valid JSON: the value that begins here does not end", name(), begin);
  }
}

bool JsonValues::next_value(Json& value) {
  if (!skip_blank()) return false;
  line_ = pending_.front().number;
  LQ_CHECK(front() == '{', kCorruptFile, "{}: not valid JSON: expected an object here", place());
  const std::string text = take_value();
  goes_on_ = true;
  value = parse(text, place());
  return true;
}

bool JsonValues::next_element(Json& value) {
  if (closed_) return false;
  const auto expect = [&] {
    LQ_CHECK(skip_blank(), kCorruptFile, "{}: not valid JSON: the list does not end", name());
  };
  expect();
  if (!std::exchange(first_, false) && front() != ']') {
    LQ_CHECK(front() == ',', kCorruptFile, "{}:{}: not valid JSON: expected ',' or ']' behind record {}",
             name(), pending_.front().number, number_);
    ++at_;
    expect();
    LQ_CHECK(front() != ']', kCorruptFile, "{}:{}: not valid JSON: a comma before the end of the list",
             name(), pending_.front().number);
  }
  if (front() == ']') {
    ++at_;
    closed_ = true;
    LQ_CHECK(!skip_blank(), kCorruptFile, "{}:{}: not valid JSON: text behind the end of the list", name(),
             pending_.front().number);
    return false;
  }
  ++number_;
  const std::string text = take_value();
  goes_on_ = true;
  value = parse(text, place());
  return true;
}

void JsonValues::unwrap(Json& value) {
  for (const std::string_view key : kWrappers) {
    const auto list = value.find(key);
    if (list == value.end() || !is_wrapped_list(*list)) continue;
    for (const auto& [other, ignored] : value.items()) {
      const bool is_list =
          other != key && is_wrapped_list(ignored) && std::ranges::find(kWrappers, other) != kWrappers.end();
      LQ_CHECK(!is_list, kCorruptFile, "{}: an object with two lists of records, '{}' and '{}'; keep one",
               name(), key, other);
      if (other != key && report_ != nullptr) report_->count(Finding::kWrapperKey, other, name());
    }
    wrapped_ = std::move(*list);
    shape_ = Shape::kWrapped;
    listed_ = true;
    number_ = 1;
    value = std::move(wrapped_[0]);
    return;
  }
}

}  // namespace lq
