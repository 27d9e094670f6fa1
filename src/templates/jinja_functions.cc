#include "templates/jinja_functions.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "unicode/unicode.h"
#include "unicode/utf8.h"

namespace lq::jinja {
namespace {

using Json = nlohmann::json;
constexpr std::size_t kMaxString = std::size_t{1}
                                   << 24;  // of one value: a template that makes more has run away

std::string strip(std::string_view text, bool left, bool right, const Json* characters) {
  const auto drops = [&](char32_t c) {
    if (characters == nullptr || !characters->is_string())
      return unicode::is_white_space(c) || (c >= 0x1C && c <= 0x1F);
    std::string one;
    utf8::append(one, c);
    return characters->get_ref<const std::string&>().find(one) != std::string::npos;
  };
  std::size_t begin = 0, end = text.size(), size = 0;
  while (left && begin < end && drops(utf8::decode_valid(text.data() + begin, size))) begin += size;
  while (right && end > begin) {
    const std::size_t before = utf8::previous(text, end);
    if (!drops(utf8::decode_valid(text.data() + before, size))) break;
    end = before;
  }
  return std::string(text.substr(begin, end - begin));
}

std::string map_case(std::string_view text, bool upper) {
  std::string out;
  for (const char c : text) {  // templates change the case of role names: ASCII
    const bool changes = upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
    out.push_back(changes ? static_cast<char>(c ^ 32) : c);
  }
  return out;
}

std::string replace(const std::string& text, const std::string& from, const std::string& to) {
  if (from.empty()) return text;
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done).append(to);
    done = at + from.size();
    LQ_CHECK(out.size() <= kMaxString, kUnsupported, "chat template: a string of more than {} bytes",
             kMaxString);
  }
  return out.append(text, done);
}

std::int64_t length(const Value& value, const std::string& place) {
  if (value.json.is_string()) {
    const auto& s = value.json.get_ref<const std::string&>();
    return std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xC0) != 0x80; });
  }
  LQ_CHECK(value.json.is_structured() || value.undefined, kUnsupported, "{}: the length of {}", place,
           value.json.type_name());
  return value.undefined ? 0 : static_cast<std::int64_t>(value.json.size());
}

const std::string& as_string(const Value& value, const std::string& name, const std::string& place) {
  LQ_CHECK(value.json.is_string(), kUnsupported, "{}: '{}' of {} (expected a string)", place, name,
           value.undefined ? "an undefined value" : value.json.type_name());
  return value.json.get_ref<const std::string&>();
}

std::string argument_string(const Arguments& arguments, std::size_t i, std::string_view name,
                            const std::string& place) {
  const Json* value = arguments.get(i, name);
  LQ_CHECK(value != nullptr && value->is_string(), kUnsupported, "{}: argument {} should be a string", place,
           i + 1);
  return value->get<std::string>();
}

Json split(const std::string& text, const Arguments& arguments, const std::string& place) {
  Json out = Json::array();
  if (arguments.values.empty()) {
    std::size_t at = 0;
    while (true) {
      at = text.find_first_not_of(" \t\n\r\f\v", at);
      if (at == std::string::npos) return out;
      const std::size_t end = std::min(text.find_first_of(" \t\n\r\f\v", at), text.size());
      out.push_back(text.substr(at, end - at));
      at = end;
    }
  }
  const std::string separator = argument_string(arguments, 0, "sep", place);
  LQ_CHECK(!separator.empty(), kUnsupported, "{}: split by nothing", place);
  std::size_t done = 0;
  for (std::size_t at = text.find(separator); at != std::string::npos; at = text.find(separator, done)) {
    out.push_back(text.substr(done, at - done));
    done = at + separator.size();
  }
  out.push_back(text.substr(done));
  return out;
}

bool contains(const Json& container, const Json& item, const std::string& place) {
  if (container.is_string() && item.is_string()) {
    return container.get_ref<const std::string&>().find(item.get_ref<const std::string&>()) !=
           std::string::npos;
  }
  if (container.is_array()) return std::find(container.begin(), container.end(), item) != container.end();
  if (container.is_object())
    return item.is_string() && container.contains(item.get_ref<const std::string&>());
  fail(ErrorCode::kUnsupported, "{}: 'in' {}", place, container.type_name());
}

}  // namespace

const Json* Arguments::get(std::size_t position, std::string_view name) const {
  std::size_t positional = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (names[i].empty() ? positional++ == position : names[i] == name) return &values[i].json;
  }
  return nullptr;
}

bool truth(const Value& value) {
  const Json& j = value.json;
  if (value.undefined || j.is_null()) return false;
  if (j.is_boolean()) return j.get<bool>();
  if (j.is_number()) return j.get<double>() != 0;
  if (j.is_string()) return !j.get_ref<const std::string&>().empty();
  return !j.empty();
}

std::string to_text(const Value& value) {
  if (value.undefined) return {};
  if (value.json.is_string()) return value.json.get<std::string>();
  if (value.json.is_null()) return "None";
  if (value.json.is_boolean()) return value.json.get<bool>() ? "True" : "False";
  return value.json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Value call_filter(const std::string& name, const Value& value, const Arguments& arguments,
                  const std::string& place) {
  if (name == "trim") return {strip(as_string(value, name, place), true, true, arguments.get(0, "chars"))};
  if (name == "upper" || name == "lower") return {map_case(as_string(value, name, place), name == "upper")};
  if (name == "length" || name == "count") return {length(value, place)};
  if (name == "string") return {to_text(value)};
  if (name == "safe" || name == "list") return value;
  if (name == "replace" || name == "split") return call_method(name, value, arguments, place);
  if (name == "capitalize") {
    std::string text = map_case(as_string(value, name, place), false);
    if (!text.empty()) text[0] = map_case(text.substr(0, 1), true)[0];
    return {text};
  }
  if (name == "default" || name == "d") {
    const Json* fallback = arguments.get(0, "default_value");
    const Json* also_false = arguments.get(1, "boolean");
    const bool replaces = value.undefined || (also_false != nullptr && truth({*also_false}) && !truth(value));
    return replaces ? Value{fallback == nullptr ? Json("") : *fallback} : value;
  }
  if (name == "first" || name == "last") {
    LQ_CHECK(value.json.is_array(), kUnsupported, "{}: '{}' of {}", place, name, value.json.type_name());
    if (value.json.empty()) return {{}, true};
    return {name == "first" ? value.json.front() : value.json.back()};
  }
  if (name == "join") {
    LQ_CHECK(value.json.is_array(), kUnsupported, "{}: 'join' of {}", place, value.json.type_name());
    const Json* separator = arguments.get(0, "d");
    std::string out;
    for (std::size_t i = 0; i < value.json.size(); ++i) {
      if (i > 0 && separator != nullptr) out += to_text({*separator});
      out += to_text({value.json[i]});
    }
    return {out};
  }
  if (name == "tojson") {
    const Json* indent = arguments.get(0, "indent");
    const bool wide = indent != nullptr && indent->is_number_integer() && *indent >= 0 && *indent <= 16;
    if (wide) return {value.json.dump(indent->get<int>(), ' ', false, Json::error_handler_t::replace)};
    LQ_CHECK(!value.json.is_structured() || value.json.empty(), kUnsupported,
             "{}: 'tojson' of {} without indent (Python's spacing)", place, value.json.type_name());
    return {value.json.dump(-1, ' ', false, Json::error_handler_t::replace)};
  }
  fail(ErrorCode::kUnsupported, "{}: the filter '{}'", place, name);
}

bool call_test(const std::string& name, const Value& value, const Arguments& arguments,
               const std::string& place) {
  const Json& j = value.json;
  if (name == "defined") return !value.undefined;
  if (name == "undefined") return value.undefined;
  if (name == "none") return !value.undefined && j.is_null();
  if (name == "string") return j.is_string();
  if (name == "mapping") return j.is_object();
  if (name == "iterable" || name == "sequence") return j.is_structured() || j.is_string();
  if (name == "number") return j.is_number();
  if (name == "integer") return j.is_number_integer();
  if (name == "boolean") return j.is_boolean();
  if (name == "true" || name == "false") return j.is_boolean() && j.get<bool>() == (name == "true");
  if (name == "equalto" || name == "eq") {
    const Json* other = arguments.get(0, "other");
    return other != nullptr && j == *other;
  }
  fail(ErrorCode::kUnsupported, "{}: the test 'is {}'", place, name);
}

Value call_method(const std::string& name, const Value& object, const Arguments& arguments,
                  const std::string& place) {
  if (object.json.is_object()) {
    if (name == "get") {
      const auto it = object.json.find(argument_string(arguments, 0, "key", place));
      if (it != object.json.end()) return {*it};
      const Json* fallback = arguments.get(1, "default");
      return {fallback == nullptr ? Json() : *fallback};
    }
    if (name == "keys" || name == "items" || name == "values") {
      Json out = Json::array();
      for (const auto& [key, value] : object.json.items()) {
        out.push_back(name == "keys" ? Json(key) : name == "values" ? value : Json::array({key, value}));
      }
      return {out};
    }
  }
  LQ_CHECK(object.json.is_string(), kUnsupported, "{}: the method '{}' of {}", place, name,
           object.undefined ? "an undefined value" : object.json.type_name());
  const auto& text = object.json.get_ref<const std::string&>();
  const auto string_at = [&](std::size_t i) { return argument_string(arguments, i, "", place); };
  if (name == "strip") return {strip(text, true, true, arguments.get(0, ""))};
  if (name == "lstrip") return {strip(text, true, false, arguments.get(0, ""))};
  if (name == "rstrip") return {strip(text, false, true, arguments.get(0, ""))};
  if (name == "startswith") return {text.starts_with(string_at(0))};
  if (name == "endswith") return {text.ends_with(string_at(0))};
  if (name == "upper" || name == "lower") return {map_case(text, name == "upper")};
  if (name == "capitalize") return call_filter(name, object, arguments, place);
  if (name == "title") {
    std::string out = map_case(text, false);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const bool begins = i == 0 || !((out[i - 1] | 32) >= 'a' && (out[i - 1] | 32) <= 'z');
      if (begins) out[i] = map_case(out.substr(i, 1), true)[0];
    }
    return {out};
  }
  if (name == "replace") return {replace(text, string_at(0), string_at(1))};
  if (name == "split") return {split(text, arguments, place)};
  fail(ErrorCode::kUnsupported, "{}: the method '{}' of a string", place, name);
}

Value binary(const std::string& op, const Value& left, const Value& right, const std::string& place) {
  const Json &a = left.json, &b = right.json;
  const bool comparable = left.undefined == right.undefined;
  if (op == "==") return {comparable && a == b};
  if (op == "!=") return {!(comparable && a == b)};
  if (op == "in") return {contains(b, a, place)};
  if (op == "not in") return {!contains(b, a, place)};
  if (op == "~") return {to_text(left) + to_text(right)};
  if (op == "+" && a.is_string() && b.is_string()) {
    std::string text = a.get<std::string>() + b.get_ref<const std::string&>();
    LQ_CHECK(text.size() <= kMaxString, kUnsupported, "{}: a string of more than {} bytes", place,
             kMaxString);
    return {std::move(text)};
  }
  if (op == "+" && a.is_array() && b.is_array()) {
    Json out = a;
    out.insert(out.end(), b.begin(), b.end());
    LQ_CHECK(out.size() <= kMaxString / 16, kUnsupported, "{}: a list of {} elements", place, out.size());
    return {out};
  }
  if (op == "<" || op == ">" || op == "<=" || op == ">=") {
    LQ_CHECK((a.is_number() && b.is_number()) || (a.is_string() && b.is_string()), kUnsupported,
             "{}: '{}' of {} and {}", place, op, a.type_name(), b.type_name());
    return {op == "<" ? a < b : op == ">" ? a > b : op == "<=" ? a <= b : a >= b};
  }
  LQ_CHECK(a.is_number() && b.is_number(), kUnsupported, "{}: '{}' of {} and {}", place, op,
           left.undefined ? "an undefined value" : a.type_name(),
           right.undefined ? "an undefined value" : b.type_name());
  const double x = a.get<double>(), y = b.get<double>();
  LQ_CHECK(std::abs(x) < 1e15 && std::abs(y) < 1e15, kUnsupported, "{}: numbers of this size", place);
  const bool whole = a.is_number_integer() && b.is_number_integer();
  const auto number = [&](double v) { return whole ? Value{static_cast<std::int64_t>(v)} : Value{v}; };
  if (op == "+") return number(x + y);
  if (op == "-") return number(x - y);
  if (op == "*") return number(std::clamp(x * y, -1e15, 1e15));
  LQ_CHECK(y != 0, kUnsupported, "{}: division by zero", place);
  if (op == "/") return {x / y};
  if (op == "//") return number(std::floor(x / y));
  if (op == "%") return number(x - y * std::floor(x / y));
  fail(ErrorCode::kUnsupported, "{}: the operator '{}'", place, op);
}

}  // namespace lq::jinja
