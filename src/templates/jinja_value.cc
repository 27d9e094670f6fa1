#include "templates/jinja_value.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "unicode/unicode.h"
#include "unicode/utf8.h"

namespace lq::jinja {
namespace {

constexpr int kMaxNesting = 200;
constexpr std::size_t kManyKeys = 8;

bool equal(const Value& a, const Value& b, int depth);

bool equal_lists(const ListData& a, const ListData& b, int depth) {
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!equal(a.items[i], b.items[i], depth)) return false;
  }
  return true;
}

bool equal_dicts(const Dict& a, const Dict& b, int depth) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a.entries()) {
    const Value* other = b.find(key);
    if (other == nullptr || !equal(value, *other, depth)) return false;
  }
  return true;
}

bool equal(const Value& a, const Value& b, int depth) {
  LQ_CHECK(depth < kMaxNesting, kUnsupported, "chat template: values nested more than {} deep", kMaxNesting);
  if (a.is_whole() && b.is_whole()) return a.whole() == b.whole();
  if (a.is_number() && b.is_number()) return a.exact() == b.exact();
  if (a.is_text() && b.is_text()) return a.text() == b.text();
  if (a.is_list() && b.is_list()) {
    return a.identity() == b.identity() || (!a.is_lazy() && equal_lists(a.list(), b.list(), depth + 1));
  }
  if (a.is_namespace() || b.is_namespace()) return a.identity() == b.identity();
  if (a.is_dict() && b.is_dict()) return equal_dicts(a.dict(), b.dict(), depth + 1);
  if (a.is_object() && b.is_object()) return &a.object() == &b.object();
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

void append_text_repr(std::string& out, std::string_view text) {
  const bool doubles = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = doubles ? '"' : '\'';
  out.push_back(quote);
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 0;
    const char32_t c = utf8::decode_valid(text.data() + at, size);
    if (c == static_cast<unsigned char>(quote) || c == '\\') {
      out.append(1, '\\').append(1, static_cast<char>(c));
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out.append(1, '\\').append(1, c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    } else if (unicode::is_printable(c)) {
      out.append(text.substr(at, size));
    } else {
      const auto code = static_cast<std::uint32_t>(c);
      out += c < 0x100     ? fmt::format("\\x{:02x}", code)
             : c < 0x10000 ? fmt::format("\\u{:04x}", code)
                           : fmt::format("\\U{:08x}", code);
    }
    at += size;
  }
  out.push_back(quote);
}

void append_repr(std::string& out, const Value& value, int depth) {
  LQ_CHECK(depth < kMaxNesting, kUnsupported, "chat template: values nested more than {} deep", kMaxNesting);
  const auto list = [&](const std::vector<Value>& items, const char* open, const char* close) {
    out += open;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += ", ";
      append_repr(out, items[i], depth + 1);
    }
    out += close;
  };
  if (value.is_undefined()) {
    out += "Undefined";
  } else if (value.is_none()) {
    out += "None";
  } else if (value.is_bool()) {
    out += value.whole() != 0 ? "True" : "False";
  } else if (value.is_int()) {
    out += std::to_string(value.whole());
  } else if (value.is_float()) {
    out += float_text(value.number());
  } else if (value.is_text()) {
    if (value.is_markup()) out += "Markup(";
    append_text_repr(out, value.text());
    if (value.is_markup()) out += ")";
  } else if (value.is_list()) {
    const ListData& data = value.list();
    switch (data.kind) {
      case ListKind::kList:
        return list(data.items, "[", "]");
      case ListKind::kTuple:
        return list(data.items, "(", data.items.size() == 1 ? ",)" : ")");
      case ListKind::kRange:
      case ListKind::kView:
      case ListKind::kLazy:
        fail(ErrorCode::kUnsupported, "chat template: prints {} that is no list yet (expected '| list')",
             data.kind == ListKind::kLazy    ? "a generator"
             : data.kind == ListKind::kRange ? "a range"
                                             : "a view of a mapping");
    }
  } else if (value.is_dict()) {
    LQ_CHECK(!value.is_namespace(), kUnsupported, "chat template: prints a namespace");
    out += "{";
    bool first = true;
    for (const auto& [key, member] : value.dict().entries()) {
      if (!first) out += ", ";
      first = false;
      append_repr(out, key, depth + 1);
      out += ": ";
      append_repr(out, member, depth + 1);
    }
    out += "}";
  } else {
    fail(ErrorCode::kUnsupported, "chat template: prints a {}", value.object().type_name());
  }
}

Value from_json(const nlohmann::ordered_json& json, int depth) {
  LQ_CHECK(depth < kMaxNesting, kUnsupported, "chat template: JSON nested more than {} deep", kMaxNesting);
  const auto text = [](const std::string& s) { return utf8::is_valid(s) ? s : utf8::repair(s); };
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::boolean:
      return json.get<bool>();
    case nlohmann::ordered_json::value_t::number_integer:
      return json.get<std::int64_t>();
    case nlohmann::ordered_json::value_t::number_unsigned: {
      const auto u = json.get<std::uint64_t>();
      LQ_CHECK(u <= INT64_MAX, kUnsupported, "chat template: the number {} (more than 63 bits)", u);
      return static_cast<std::int64_t>(u);
    }
    case nlohmann::ordered_json::value_t::number_float:
      return json.get<double>();
    case nlohmann::ordered_json::value_t::string:
      return text(json.get_ref<const std::string&>());
    case nlohmann::ordered_json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const auto& item : json) items.push_back(from_json(item, depth + 1));
      return items;
    }
    case nlohmann::ordered_json::value_t::object: {
      auto dict = std::make_shared<Dict>();
      for (const auto& [key, value] : json.items()) dict->set(text(key), from_json(value, depth + 1));
      return dict;
    }
    default:
      return None{};
  }
}

}  // namespace

std::size_t Dict::position(std::string_view key) const {
  if (entries_.size() > kManyKeys) {
    const auto it = by_text_.find(key);
    return it == by_text_.end() ? entries_.size() : it->second;
  }
  std::size_t i = 0;
  while (i < entries_.size() && !(entries_[i].first.is_text() && entries_[i].first.text() == key)) ++i;
  return i;
}

std::size_t Dict::size() const { return entries_.size(); }

const Value* Dict::find(std::string_view key) const {
  const std::size_t i = position(key);
  return i == entries_.size() ? nullptr : &entries_[i].second;
}

const Value* Dict::find(const Value& key) const {
  if (key.is_text()) return find(std::string_view(key.text()));
  for (const auto& [k, value] : entries_) {
    if (!k.is_text() && jinja::equal(k, key)) return &value;
  }
  return nullptr;
}

void Dict::set(const Value& key, Value value) {
  for (std::size_t i = key.is_text() ? position(key.text()) : 0; i < entries_.size(); ++i) {
    if (key.is_text() || jinja::equal(entries_[i].first, key)) {
      entries_[i].second = std::move(value);
      return;
    }
  }
  entries_.emplace_back(key, std::move(value));
  if (entries_.size() <= kManyKeys) return;
  const std::size_t from = entries_.size() == kManyKeys + 1 ? 0 : entries_.size() - 1;
  for (std::size_t i = from; i < entries_.size(); ++i) {
    if (entries_[i].first.is_text()) by_text_.emplace(entries_[i].first.text(), i);
  }
}

const void* Value::identity() const {
  if (is_list()) return &list();
  return is_dict() ? &dict() : nullptr;
}

bool truth(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (value.is_number()) return value.number() != 0;
  if (value.is_text()) return !value.text().empty();
  if (value.is_list()) return value.is_lazy() || !value.list().items.empty();
  return !value.is_mapping() || value.dict().size() > 0;
}

bool equal(const Value& a, const Value& b) { return equal(a, b, 0); }

std::string_view type_name(const Value& value) {
  if (value.is_undefined()) return "Undefined";
  if (value.is_none()) return "NoneType";
  if (value.is_bool()) return "bool";
  if (value.is_int()) return "int";
  if (value.is_float()) return "float";
  if (value.is_text()) return "str";
  if (value.is_namespace()) return "Namespace";
  if (value.is_dict()) return "dict";
  if (value.is_object()) return value.object().type_name();
  switch (value.list().kind) {
    case ListKind::kTuple:
      return "tuple";
    case ListKind::kRange:
      return "range";
    case ListKind::kView:
      return "dict view";
    case ListKind::kLazy:
      return "generator";
    default:
      return "list";
  }
}

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char digits[40];
  const double size = std::abs(value);
  const bool plain = value == 0 || (size >= 1e-4 && size < 1e16);
  const auto end = std::to_chars(digits, digits + sizeof digits, value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  std::string out(digits, end);
  if (plain && out.find('.') == std::string::npos) out += ".0";
  return out;
}

std::string to_text(const Value& value) {
  if (value.is_undefined()) return {};
  if (value.is_text()) return value.text();
  return to_repr(value);
}

std::string to_repr(const Value& value) {
  std::string out;
  append_repr(out, value, 0);
  return out;
}

Value from_json(const nlohmann::ordered_json& json) { return from_json(json, 0); }

}  // namespace lq::jinja
