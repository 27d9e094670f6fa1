// Python's two ways to put values into text: "%s" % value and "{}".format(value).
#include <charconv>
#include <cmath>
#include <cstdio>

#include "templates/jinja_runtime.h"
#include "templates/jinja_text.h"
#include "unicode/utf8.h"

namespace lq::jinja {
namespace {

constexpr int kMaxFormatWidth = 10000;

// How one value is written: what both ways have in common.
struct Style {
  std::string fill = " ";
  char align = 0;  // '<', '>', '^', '=', 0: as the type has it
  char sign = '-';
  bool alternate = false, grouped = false;
  int width = 0, precision = -1;
  char type = 0;
};

int read_number(std::string_view text, std::size_t& at, const Runtime& r) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
  if (error != std::errc() || value > kMaxFormatWidth) r.unsupported("the width or precision of a format");
  at = static_cast<std::size_t>(end - text.data());
  return value;
}
bool digit_at(std::string_view text, std::size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

std::string grouped(std::string digits) {
  const std::size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  for (std::size_t at = whole; at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

// The digits of a number without its sign.
std::string digits_of(const Runtime& r, const Value& value, const Style& s) {
  const char type = s.type == 0 ? (value.is_float() ? 'r' : 'd') : s.type;
  std::string out;
  if (std::string_view("dxXob").find(type) != std::string_view::npos) {
    if (!value.is_whole()) r.refuse("format code '{}' for object of type '{}'", type, type_name(value));
    const std::uint64_t size = value.whole() < 0 ? 0 - static_cast<std::uint64_t>(value.whole())
                                                 : static_cast<std::uint64_t>(value.whole());
    out = type == 'd'   ? fmt::format("{}", size)
          : type == 'x' ? fmt::format("{:x}", size)
          : type == 'X' ? fmt::format("{:X}", size)
          : type == 'o' ? fmt::format("{:o}", size)
                        : fmt::format("{:b}", size);
    if (s.alternate && type != 'd') out = std::string("0") + type + out;
  } else if (std::string_view("fFeEgG%r").find(type) != std::string_view::npos) {
    if (!value.is_number()) r.refuse("format code '{}' for object of type '{}'", type, type_name(value));
    double size = std::abs(value.number());
    if (type == 'r' && s.precision < 0) {
      out = float_text(size);
    } else {
      if (type == '%') size *= 100;
      if (!std::isfinite(size)) r.unsupported("a format of an infinite number");
      const char format[] = {'%', '.', '*', type == '%' ? 'f' : type == 'r' ? 'g' : type, 0};
      char buffer[16500];
      std::snprintf(buffer, sizeof buffer, format, s.precision < 0 ? 6 : s.precision, size);
      out = buffer;
      if (type == 'r' && out.find_first_of(".e") == std::string::npos) out += ".0";
      if (type == '%') out += "%";
    }
  } else {
    r.unsupported("the format code '{}'", type);
  }
  return s.grouped ? grouped(std::move(out)) : out;
}

std::string formatted(const Runtime& r, const Value& value, Style s) {
  if (value.is_text() || (!value.is_number() && s.type == 0) || s.type == 's') {
    if (s.type != 0 && s.type != 's')
      r.refuse("format code '{}' for object of type '{}'", s.type, type_name(value));
    std::string text = to_text(value);
    if (s.precision >= 0) text = character_range(text, 0, s.precision);
    return adjusted(text, s.width, s.fill,
                    s.align == '>'   ? Adjust::kRight
                    : s.align == '^' ? Adjust::kCenter
                                     : Adjust::kLeft);
  }
  if (value.is_bool() && s.type == 0) {
    return adjusted(to_text(value), s.width, s.fill, s.align == '<' ? Adjust::kLeft : Adjust::kRight);
  }
  const std::string digits = digits_of(r, value, s);
  const bool negative = value.is_float() ? std::signbit(value.number()) : value.whole() < 0;
  const std::string sign = negative ? "-" : s.sign == '+' ? "+" : s.sign == ' ' ? " " : "";
  if (s.align == '=') {
    return sign + adjusted(digits, s.width - static_cast<int>(sign.size()), s.fill, Adjust::kRight);
  }
  return adjusted(sign + digits, s.width, s.fill,
                  s.align == '<'   ? Adjust::kLeft
                  : s.align == '^' ? Adjust::kCenter
                                   : Adjust::kRight);
}

// [[fill]align][sign][#][0][width][,][.precision][type]
Style read_spec(const Runtime& r, std::string_view spec) {
  Style s;
  std::size_t at = 0;
  const auto is_align = [&](std::size_t i) {
    return i < spec.size() && std::string_view("<>^=").find(spec[i]) != std::string_view::npos;
  };
  const std::size_t first = spec.empty() ? 0 : utf8::size_of(spec[0]);
  if (is_align(first) && first > 0) {
    s.fill = spec.substr(0, first);
    s.align = spec[first];
    at = first + 1;
  } else if (is_align(0)) {
    s.align = spec[at++];
  }
  if (at < spec.size() && std::string_view("+- ").find(spec[at]) != std::string_view::npos)
    s.sign = spec[at++];
  if (at < spec.size() && spec[at] == '#') s.alternate = true, ++at;
  if (at < spec.size() && spec[at] == '0') {
    if (s.align == 0) s.fill = "0", s.align = '=';
    ++at;
  }
  if (digit_at(spec, at)) s.width = read_number(spec, at, r);
  if (at < spec.size() && spec[at] == ',') s.grouped = true, ++at;
  if (at < spec.size() && spec[at] == '.') s.precision = read_number(spec, ++at, r);
  if (at < spec.size()) s.type = spec[at++];
  if (at != spec.size()) r.unsupported("the format '{}'", spec);
  return s;
}

// What a field of "{...}" names: "0", "name", "name.member[key]".
Value field_value(Runtime& r, std::string_view path, const Arguments& arguments, std::size_t& automatic) {
  std::size_t end = std::min(path.find_first_of(".["), path.size());
  const std::string_view first = path.substr(0, end);
  Value value;
  if (first.empty() || digit_at(first, 0)) {
    std::size_t at = 0;
    const std::size_t i = first.empty() ? automatic++ : static_cast<std::size_t>(read_number(first, at, r));
    if (i >= arguments.values.size()) r.refuse("replacement index {} out of range", i);
    value = arguments.values[i];
  } else {
    const auto it = std::find_if(arguments.named.begin(), arguments.named.end(),
                                 [&](const auto& named) { return named.first == first; });
    if (it == arguments.named.end()) r.refuse("format: no argument '{}'", first);
    value = it->second;
  }
  while (end < path.size()) {
    const bool member = path[end] == '.';
    const std::size_t begin = end + 1;
    end = std::min(path.find_first_of(member ? ".[" : "]", begin), path.size());
    const std::string key(path.substr(begin, end - begin));
    value = member ? attribute(r, value, key)
                   : item(r, value,
                          digit_at(key, 0) ? Value(static_cast<std::int64_t>(std::atoll(key.c_str())))
                                           : Value(key));
    if (!member) ++end;
  }
  return value;
}

}  // namespace

std::string brace_format(Runtime& r, std::string_view format, const Arguments& arguments) {
  std::string out;
  std::size_t automatic = 0;
  for (std::size_t at = 0; at < format.size();) {
    const char c = format[at++];
    if (c != '{' && c != '}') {
      out.push_back(c);
      continue;
    }
    if (at < format.size() && format[at] == c) {
      out.push_back(c);
      ++at;
      continue;
    }
    const std::size_t end = format.find('}', at);
    if (c == '}' || end == std::string_view::npos) r.refuse("format: a single '{}'", c);
    std::string_view field = format.substr(at, end - at);
    if (field.find('{') != std::string_view::npos) r.unsupported("a field inside a field of a format");
    at = end + 1;
    std::string_view spec;
    if (const std::size_t colon = field.find(':'); colon != std::string_view::npos) {
      spec = field.substr(colon + 1);
      field = field.substr(0, colon);
    }
    char conversion = 's';
    if (const std::size_t mark = field.find('!'); mark != std::string_view::npos) {
      conversion = mark + 2 == field.size() ? field[mark + 1] : '?';
      field = field.substr(0, mark);
      if (conversion != 's' && conversion != 'r')
        r.unsupported("the conversion '{}' of a format", conversion);
    }
    const Value value = field_value(r, field, arguments, automatic);
    out += formatted(r, conversion == 'r' ? Value(to_repr(value)) : value, read_spec(r, spec));
    r.charge(1 + out.size() / 1024);
  }
  return out;
}

std::string percent_format(Runtime& r, std::string_view format, const Value& values) {
  const bool is_tuple = values.is_list() && values.list().kind == ListKind::kTuple;
  std::size_t used = 0;
  const auto next = [&]() -> Value {
    if (is_tuple ? used >= values.list().items.size() : used > 0) {
      r.refuse("not enough arguments for format string");
    }
    return is_tuple ? values.list().items[used++] : (++used, values);
  };
  std::string out;
  bool by_name = false;
  for (std::size_t at = 0; at < format.size();) {
    const char c = format[at++];
    if (c != '%') {
      out.push_back(c);
      continue;
    }
    if (at < format.size() && format[at] == '%') {
      out.push_back('%');
      ++at;
      continue;
    }
    std::optional<Value> named;
    if (at < format.size() && format[at] == '(') {
      const std::size_t end = format.find(')', at);
      if (end == std::string_view::npos || !values.is_mapping()) r.refuse("format requires a mapping");
      const Value* found = values.dict().find(format.substr(at + 1, end - at - 1));
      if (found == nullptr) r.refuse("format: no key '{}'", format.substr(at + 1, end - at - 1));
      named = *found;
      by_name = true;
      at = end + 1;
    }
    Style s;
    s.align = '>';
    for (; at < format.size() && std::string_view("-+ #0").find(format[at]) != std::string_view::npos; ++at) {
      if (format[at] == '-') s.align = '<';
      if (format[at] == '0' && s.align != '<') s.fill = "0", s.align = '=';
      if (format[at] == '+' || format[at] == ' ') s.sign = format[at];
      if (format[at] == '#') s.alternate = true;
    }
    if (s.align == '<') s.fill = " ";
    if (digit_at(format, at)) s.width = read_number(format, at, r);
    if (at < format.size() && format[at] == '.') {
      s.precision = digit_at(format, ++at) ? read_number(format, at, r) : 0;
    }
    if (at == format.size()) r.refuse("incomplete format");
    s.type = format[at++];
    Value value = named ? *named : next();
    if (s.type == 'i' || s.type == 'u') s.type = 'd';
    if (s.type == 'd' && value.is_float()) value = static_cast<std::int64_t>(value.number());
    if (s.type == 'r') value = to_repr(value), s.type = 's';
    if (s.type == 's' && s.align == '=') s.fill = " ", s.align = '>';
    if (s.type == 's') value = to_text(value);
    out += formatted(r, value, s);
    r.charge(1 + out.size() / 1024);
  }
  if (!by_name && !values.is_mapping() && (is_tuple ? used < values.list().items.size() : used == 0)) {
    r.refuse("not all arguments converted during string formatting");
  }
  return out;
}

}  // namespace lq::jinja
