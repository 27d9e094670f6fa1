// Filters of values of any kind, of numbers and to JSON; and the lookup of filters by name.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "templates/jinja_runtime.h"
#include "templates/jinja_text.h"

namespace lq::jinja {
namespace {

Value default_value(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "default", a, {"default_value", "boolean"});
  if (!value.is_undefined() && !(b.flag(1, false) && !truth(value))) return value;
  return b[0] == nullptr ? Value("") : *b[0];
}

// float(text), as Python reads it.
std::optional<double> read_float(std::string text) {
  text = strip(text, true, true, {});
  if (text.starts_with('+')) text.erase(0, 1);
  std::erase(text, '_');
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

Value to_int(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "int", a, {"default", "base"});
  const Value fallback = b[0] == nullptr ? Value(std::int64_t{0}) : *b[0];
  const std::int64_t base = b.whole(1, 10);
  const auto truncated = [&](double d) -> Value {
    if (!std::isfinite(d)) return fallback;
    if (std::abs(d) >= 9.2e18) r.unsupported("whole numbers of more than 64 bits");
    return static_cast<std::int64_t>(d);
  };
  if (value.is_whole()) return value.whole();
  if (value.is_float()) return truncated(value.number());
  if (value.is_undefined()) r.refuse("int of an undefined value");
  if (!value.is_text()) return fallback;
  std::string text = strip(value.text(), true, true, {});
  if (text.starts_with('+')) text.erase(0, 1);
  std::erase(text, '_');
  const bool negative = text.starts_with('-');
  if (negative) text.erase(0, 1);
  const std::string_view prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : "";
  if (!prefix.empty() && text.size() > 2 && text[0] == '0' && (text[1] | 32) == prefix[1]) text.erase(0, 2);
  if (base < 2 || base > 36) r.refuse("'int' to the base {}", base);
  std::int64_t out = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), out, static_cast<int>(base));
  if (error == std::errc::result_out_of_range) r.unsupported("whole numbers of more than 64 bits");
  if (!text.empty() && text[0] != '-' && error == std::errc() && end == text.data() + text.size()) {
    return negative ? -out : out;
  }
  const auto d = base == 10 ? read_float(value.text()) : std::nullopt;
  return d ? truncated(*d) : fallback;
}

Value to_float(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "float", a, {"default"});
  const Value fallback = b[0] == nullptr ? Value(0.0) : *b[0];
  if (value.is_number()) return value.number();
  if (value.is_undefined()) r.refuse("float of an undefined value");
  if (!value.is_text()) return fallback;
  const auto d = read_float(value.text());
  return d ? Value(*d) : fallback;
}

Value round(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "round", a, {"precision", "method"});
  const std::int64_t precision = b.whole(0, 0);
  const std::string method = b.text(1, "common");
  if (method != "common" && method != "ceil" && method != "floor") {
    r.refuse("method must be common, ceil or floor");
  }
  if (!value.is_number()) r.refuse("'round' of {}", type_name(value));
  if (precision < -300 || precision > 300) r.unsupported("'round' to {} digits", precision);
  if (method == "common" && value.is_whole()) {
    if (precision >= 0) return value.whole();
    r.unsupported("'round' of a whole number to {} digits", precision);
  }
  const double power = std::pow(10.0, static_cast<double>(precision)), d = value.number();
  if (method == "ceil") return std::ceil(d * power) / power;
  if (method == "floor") return std::floor(d * power) / power;
  if (precision < 0) return std::nearbyint(d * power) / power;
  char digits[700];
  std::snprintf(digits, sizeof digits, "%.*f", static_cast<int>(precision), d);
  return std::strtod(digits, nullptr);
}

Value absolute(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "abs", a, {});
  if (value.is_float()) return std::abs(value.number());
  if (!value.is_whole()) r.refuse("bad operand type for abs(): '{}'", type_name(value));
  return value.whole() < 0 ? binary(r, "-", std::int64_t{0}, value) : Value(value.whole());
}

Value tojson(Runtime& r, const Value& value, const Arguments& a) {
  const Bound b(r, "tojson", a, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style{b.flag(0, false), b.flag(3, false), {}, {}};
  if (b[1] != nullptr && b[1]->is_text()) {
    style.indent = b[1]->text();
  } else if (b[1] != nullptr && !b[1]->is_none()) {
    style.indent =
        std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(b.whole(1, 0), 0, 256)), ' ');
  }
  if (b[2] != nullptr && !b[2]->is_none()) {
    const auto parts = iterate(r, *b[2]);
    if (parts.size() != 2 || !parts[0].is_text() || !parts[1].is_text())
      r.refuse("'separators' should be two texts");
    style.separators = {parts[0].text(), parts[1].text()};
  }
  return to_json(r, value, style);
}

Value attr(Runtime& r, const Value& value, const Arguments& a) {
  const std::string name = Bound(r, "attr", a, {"name"}).text(0);
  // Only what Python calls an attribute, not the members of a mapping.
  if (value.is_mapping()) {
    const auto method = method_of(value, name);
    return method ? *method : Value::undefined(fmt::format("'dict object' has no attribute '{}'", name));
  }
  return attribute(r, value, name);
}

constexpr NamedFilter kValueFilters[] = {
    {"default", default_value}, {"d", default_value}, {"int", to_int},    {"float", to_float},
    {"round", round},           {"abs", absolute},    {"tojson", tojson}, {"attr", attr},
};

}  // namespace

Filter find_value_filter(std::string_view name) {
  const auto it = std::find_if(std::begin(kValueFilters), std::end(kValueFilters),
                               [&](const auto& f) { return f.name == name; });
  return it == std::end(kValueFilters) ? nullptr : it->filter;
}

Value apply_filter(Runtime& r, std::string_view name, const Value& value, const Arguments& arguments) {
  for (const auto find : {find_value_filter, find_text_filter, find_list_filter}) {
    if (const Filter filter = find(name)) return filter(r, value, arguments);
  }
  r.unsupported("the filter '{}'", name);
}

}  // namespace lq::jinja
