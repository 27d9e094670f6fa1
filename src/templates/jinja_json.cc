#include <algorithm>
#include <cmath>

#include "templates/jinja_runtime.h"
#include "unicode/utf8.h"

namespace lq::jinja {
namespace {

constexpr int kMaxJsonDepth = 200;

class Writer {
 public:
  Writer(Runtime& runtime, const JsonStyle& style) : runtime_(runtime), style_(style) {
    const bool wide = style.indent.has_value();
    between_ = style.separators ? style.separators->first : wide ? "," : ", ";
    after_key_ = style.separators ? style.separators->second : ": ";
  }

  void value(const Value& v, int depth) {
    runtime_.charge(1);
    if (depth > kMaxJsonDepth) runtime_.unsupported("JSON nested more than {} deep", kMaxJsonDepth);
    if (v.is_text()) return text(v.text());
    if (v.is_none()) {
      out += "null";
    } else if (v.is_bool()) {
      out += v.whole() != 0 ? "true" : "false";
    } else if (v.is_int()) {
      out += std::to_string(v.whole());
    } else if (v.is_float()) {
      out += number(v.number());
    } else if (v.is_list() && (v.list().kind == ListKind::kList || v.list().kind == ListKind::kTuple)) {
      members('[', ']', v.list().items.size(), depth,
              [&](std::size_t i) { value(v.list().items[i], depth + 1); });
    } else if (v.is_mapping()) {
      mapping(v.dict(), depth);
    } else {
      runtime_.refuse("Object of type {} is not JSON serializable", type_name(v));
    }
  }

  std::string out;

 private:
  static std::string number(double d) {
    if (std::isnan(d)) return "NaN";
    if (std::isinf(d)) return d < 0 ? "-Infinity" : "Infinity";
    return float_text(d);
  }

  template <typename Member>
  void members(char open, char close, std::size_t count, int depth, const Member& member) {
    out.push_back(open);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) out += between_;
      new_line(depth + 1);
      member(i);
    }
    if (count > 0) new_line(depth);
    out.push_back(close);
  }

  void mapping(const Dict& dict, int depth) {
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries()) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(),
                       [&](const auto* a, const auto* b) { return less(runtime_, a->first, b->first); });
    }
    members('{', '}', entries.size(), depth, [&](std::size_t i) {
      const Value& key = entries[i]->first;
      if (key.is_text()) {
        text(key.text());
      } else if (key.is_number() || key.is_none()) {
        out.push_back('"');
        value(key, depth + 1);
        out.push_back('"');
      } else {
        runtime_.refuse("keys must be str, int, float, bool or None, not {}", type_name(key));
      }
      out += after_key_;
      value(entries[i]->second, depth + 1);
    });
  }

  void new_line(int depth) {
    if (!style_.indent) return;
    out.push_back('\n');
    for (int i = 0; i < depth; ++i) out += *style_.indent;
  }

  void escaped(std::uint32_t unit) { out += fmt::format("\\u{:04x}", unit); }

  void text(std::string_view s) {
    runtime_.charge(s.size() / 64);
    out.push_back('"');
    for (std::size_t at = 0, size = 0; at < s.size(); at += size) {
      const char32_t c = utf8::decode_valid(s.data() + at, size);
      static constexpr std::string_view kShort = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt";
      const std::size_t known = c < 0x80 ? kShort.find(static_cast<char>(c)) : std::string_view::npos;
      if (known != std::string_view::npos) {
        out.append(1, '\\').append(1, kLetters[known]);
      } else if (c < 0x20 || (style_.ascii && c > 0x7E && c < 0x10000)) {
        escaped(static_cast<std::uint32_t>(c));
      } else if (style_.ascii && c >= 0x10000) {
        escaped(0xD800 + ((static_cast<std::uint32_t>(c) - 0x10000) >> 10));
        escaped(0xDC00 + ((static_cast<std::uint32_t>(c) - 0x10000) & 0x3FF));
      } else {
        out.append(s.substr(at, size));
      }
    }
    out.push_back('"');
  }

  Runtime& runtime_;
  const JsonStyle& style_;
  std::string between_, after_key_;
};

}  // namespace

std::string to_json(Runtime& runtime, const Value& value, const JsonStyle& style) {
  Writer writer(runtime, style);
  writer.value(value, 0);
  return std::move(writer.out);
}

}  // namespace lq::jinja
