#include <algorithm>

#include "templates/jinja_runtime.h"
#include "templates/jinja_text.h"
#include "unicode/case_mapping.h"
#include "unicode/utf8.h"

namespace lq::jinja {
namespace {

// soft_str: text stays what it is, markup too; other values are printed.
Value soft(const Value& value) { return value.is_text() ? value : Value(to_text(value)); }

template <std::string (*change)(std::string_view)>
Value change_case(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "upper", a, {});
  const Value text = soft(value);
  return Value(change(text.text()), text.is_markup());
}

Value trim(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "trim", a, {"chars"});
  const bool given = b[0] != nullptr && !b[0]->is_none();
  const Value text = soft(value);
  return Value(strip(text.text(), true, true, given ? std::optional(b.text(0)) : std::nullopt),
               text.is_markup());
}

// Jinja's own notion of a word's beginning, which is not str.title's.
Value title(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "title", a, {});
  const Value text = soft(value);
  std::string out;
  const auto add_word = [&](std::string_view word) {
    if (word.empty()) return;
    const std::size_t first = utf8::size_of(word[0]);
    out += unicode::upper(word.substr(0, first)) + unicode::lower(word.substr(first));
  };
  const std::string& s = text.text();
  std::size_t begin = 0;
  for (std::size_t at = 0, size = 0; at < s.size(); at += size) {
    const char32_t c = utf8::decode_valid(s.data() + at, size);
    if (!is_python_space(c) && std::u32string_view(U"-({[<").find(c) == std::u32string_view::npos) continue;
    add_word(std::string_view(s).substr(begin, at - begin));
    out.append(s, at, size);
    begin = at + size;
  }
  add_word(std::string_view(s).substr(begin));
  return Value(std::move(out), text.is_markup());
}

Value replace_filter(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "replace", a, {"old", "new", "count"});
  std::string out = replace(to_text(value), to_text(b.required(0)), to_text(b.required(1)), b.whole(2, -1));
  r.charge(out.size() / 64);
  return out;
}

Value indent(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "indent", a, {"width", "first", "blank"});
  const bool first = b.flag(1, false), blank = b.flag(2, false);
  const std::string margin =
      b[0] != nullptr && b[0]->is_text()
          ? b[0]->text()
          : std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(b.whole(0, 4), 0, 4096)), ' ');
  const Value text = soft(value);
  const std::vector<std::string> lines = split_lines(text.text() + "\n", false);
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += "\n";
    if (i == 0 ? first : blank || !lines[i].empty()) out += margin;
    out += lines[i];
    r.charge(1 + (lines[i].size() + margin.size()) / 64);
  }
  return Value(std::move(out), text.is_markup());
}

Value truncate(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "truncate", a, {"length", "killwords", "end", "leeway"});
  const std::int64_t most = b.whole(0, 255), leeway = b.whole(3, 5);
  const std::string end = b.text(2, "...");
  const std::int64_t kept = most - count_characters(end);
  if (kept < 0 || leeway < 0)
    r.refuse("'truncate': the length {} with end '{}' and leeway {}", most, end, leeway);
  const std::string text = to_text(value);
  if (count_characters(text) <= most + leeway) return text;
  std::string head = character_range(text, 0, kept);
  if (!b.flag(1, false)) head = head.substr(0, head.rfind(' '));
  return head + end;
}

Value wordcount(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "wordcount", a, {});
  const std::string text = to_text(value);
  std::int64_t words = 0;
  bool inside = false;
  for (std::size_t at = 0, size = 0; at < text.size(); at += size) {
    const bool word = is_word_character(utf8::decode_valid(text.data() + at, size));
    words += word && !inside;
    inside = word;
  }
  return words;
}

Value format(Runtime& r, const Value& value, const Arguments& a) {
  if (!a.values.empty() && !a.named.empty())
    r.refuse("'format' takes positional or named arguments, not both");
  if (a.named.empty()) return percent_format(r, to_text(value), Value(a.values, ListKind::kTuple));
  auto dict = std::make_shared<Dict>();
  for (const auto& [name, member] : a.named) dict->set(Value(name), member);
  return percent_format(r, to_text(value), dict);
}

Value center(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "center", a, {"width"});
  return adjusted(to_text(value), checked_width(r, b.whole(0, 80)), " ", Adjust::kCenter);
}

constexpr NamedFilter kTextFilters[] = {
    {"upper", change_case<unicode::upper>},
    {"lower", change_case<unicode::lower>},
    {"capitalize", change_case<unicode::capitalize>},
    {"title", title},
    {"trim", trim},
    {"replace", replace_filter},
    {"indent", indent},
    {"truncate", truncate},
    {"wordcount", wordcount},
    {"format", format},
    {"center", center},
    {"string",
     [](Runtime& r, const Value& v, const Arguments& a) -> Value {
       const Bound b(r, "string", a, {});
       return soft(v);
     }},
    {"safe", [](Runtime&, const Value& v, const Arguments&) { return Value(to_text(v), true); }},
    {"escape", [](Runtime&, const Value& v,
                  const Arguments&) { return v.is_markup() ? v : Value(escape_html(to_text(v)), true); }},
    {"e", [](Runtime&, const Value& v,
             const Arguments&) { return v.is_markup() ? v : Value(escape_html(to_text(v)), true); }},
    {"forceescape",
     [](Runtime&, const Value& v, const Arguments&) { return Value(escape_html(to_text(v)), true); }},
};

}  // namespace

Filter find_text_filter(std::string_view name) {
  const auto it = std::find_if(std::begin(kTextFilters), std::end(kTextFilters),
                               [&](const auto& f) { return f.name == name; });
  return it == std::end(kTextFilters) ? nullptr : it->filter;
}

}  // namespace lq::jinja
