#include "formats/gguf/gguf_metadata.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/printable.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

template <typename T>
T element(const std::byte* data, std::uint64_t i) {
  T value;
  std::memcpy(&value, data + i * sizeof(T), sizeof(T));
  return value;
}

// Element i as an integer; nothing where the type is another or the value does not fit.
std::optional<std::int64_t> integer_at(const GgufValue& value, std::uint64_t i) {
  switch (value.of) {
    case GgufType::kU8:
      return element<std::uint8_t>(value.data, i);
    case GgufType::kI8:
      return element<std::int8_t>(value.data, i);
    case GgufType::kU16:
      return element<std::uint16_t>(value.data, i);
    case GgufType::kI16:
      return element<std::int16_t>(value.data, i);
    case GgufType::kU32:
      return element<std::uint32_t>(value.data, i);
    case GgufType::kI32:
      return element<std::int32_t>(value.data, i);
    case GgufType::kI64:
      return element<std::int64_t>(value.data, i);
    case GgufType::kU64: {
      const auto x = element<std::uint64_t>(value.data, i);
      if (x > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
      return static_cast<std::int64_t>(x);
    }
    case GgufType::kF32:
    case GgufType::kF64:
    case GgufType::kBool:
    case GgufType::kString:
    case GgufType::kArray:
      break;
  }
  return std::nullopt;
}

std::optional<double> number_at(const GgufValue& value, std::uint64_t i) {
  if (value.of == GgufType::kF32) {
    // The number that was meant: 1e-05, not the 9.9999997e-06 that an f32 makes of it.
    const auto x = element<float>(value.data, i);
    return std::isfinite(x) ? std::strtod(fmt::format("{}", x).c_str(), nullptr) : static_cast<double>(x);
  }
  if (value.of == GgufType::kF64) return element<double>(value.data, i);
  return std::nullopt;
}

// Calls visit(text) for each string of the value, until it returns false.
template <typename Visit>
void for_each_text(const GgufValue& value, const Visit& visit) {
  const std::byte* at = value.data;
  for (std::uint64_t i = 0; i < value.count; ++i) {
    const auto length = element<std::uint64_t>(at, 0);
    if (!visit(std::string_view(reinterpret_cast<const char*>(at + 8), length))) return;
    at += 8 + length;
  }
}

std::string short_text(std::string_view text, std::size_t limit) {
  std::string out = printable(text.substr(0, limit));
  if (text.size() > limit) out += "...";
  return out;
}

}  // namespace

GgufMetadata::GgufMetadata(const std::vector<GgufValue>& values, std::string who)
    : values_(values), who_(std::move(who)) {
  for (const GgufValue& value : values_) index_.emplace(value.key, &value);
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  asked_.emplace(key);
  const auto at = index_.find(key);
  return at == index_.end() ? nullptr : at->second;
}

const GgufValue& GgufMetadata::required(std::string_view key) const {
  const GgufValue* const value = find(key);
  LQ_CHECK(value != nullptr, kNotFound, "{}: there is no key {}", who_, key);
  return *value;
}

void GgufMetadata::refuse(const GgufValue& value, std::string_view expected) const {
  const std::string type = value.type == GgufType::kArray
                               ? fmt::format("an array of {} {}", value.count, gguf_type_name(value.of))
                               : std::string(gguf_type_name(value.type));
  fail(ErrorCode::kCorruptFile, "{}: {} is {} ({}), but must be {}", who_, printable(value.key),
       shown(value, 40), type, expected);
}

bool GgufMetadata::has(std::string_view key) const { return find(key) != nullptr; }

std::int64_t GgufMetadata::integer(std::string_view key, std::int64_t min, std::int64_t max) const {
  const GgufValue& value = required(key);
  const auto x = value.type == GgufType::kArray ? std::nullopt : integer_at(value, 0);
  if (!x || *x < min || *x > max) refuse(value, fmt::format("an integer from {} to {}", min, max));
  return *x;
}

std::int64_t GgufMetadata::integer_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                                      std::int64_t max) const {
  return has(key) ? integer(key, min, max) : fallback;
}

std::int64_t GgufMetadata::common_integer(std::string_view key, std::int64_t min, std::int64_t max) const {
  const GgufValue& value = required(key);
  if (value.type != GgufType::kArray) return integer(key, min, max);
  const std::vector<std::int64_t> all = integers(key);
  if (all.empty()) refuse(value, "one integer for each block");
  for (const std::int64_t x : all) {
    if (x < min || x > max) refuse(value, fmt::format("integers from {} to {}", min, max));
    LQ_CHECK(x == all.front(), kUnsupported,
             "{}: {} is {} in one block and {} in another; only models whose blocks are alike are computed",
             who_, key, all.front(), x);
  }
  return all.front();
}

double GgufMetadata::number(std::string_view key, double min, double max) const {
  const GgufValue& value = required(key);
  const auto x = value.type == GgufType::kArray ? std::nullopt : number_at(value, 0);
  if (!x || !(*x >= min && *x <= max)) refuse(value, fmt::format("a number from {} to {}", min, max));
  return *x;
}

double GgufMetadata::number_or(std::string_view key, double fallback, double min, double max) const {
  return has(key) ? number(key, min, max) : fallback;
}

bool GgufMetadata::boolean_or(std::string_view key, bool fallback) const {
  const GgufValue* const value = find(key);
  if (value == nullptr) return fallback;
  if (value->type != GgufType::kBool) refuse(*value, "a bool");
  return std::to_integer<int>(value->data[0]) != 0;
}

std::string GgufMetadata::text(std::string_view key) const {
  const GgufValue& value = required(key);
  if (value.type != GgufType::kString) refuse(value, "a string");
  std::string out;
  for_each_text(value, [&](std::string_view text) {
    out = text;
    return true;
  });
  LQ_CHECK(utf8::is_valid(out), kCorruptFile, "{}: {} is not UTF-8", who_, key);
  return out;
}

std::string GgufMetadata::text_or(std::string_view key, std::string_view fallback) const {
  return has(key) ? text(key) : std::string(fallback);
}

std::vector<std::string> GgufMetadata::texts(std::string_view key) const {
  const GgufValue* const value = find(key);
  if (value == nullptr) return {};
  if (value->type != GgufType::kArray || value->of != GgufType::kString)
    refuse(*value, "an array of strings");
  std::vector<std::string> out;
  out.reserve(value->count);
  for_each_text(*value, [&](std::string_view text) {
    LQ_CHECK(utf8::is_valid(text), kCorruptFile, "{}: {}: text {} is not UTF-8", who_, key, out.size());
    out.emplace_back(text);
    return true;
  });
  return out;
}

std::vector<float> GgufMetadata::floats(std::string_view key) const {
  const GgufValue* const value = find(key);
  if (value == nullptr) return {};
  if (value->type != GgufType::kArray || value->of != GgufType::kF32) refuse(*value, "an array of f32");
  std::vector<float> out(value->count);
  if (!out.empty()) std::memcpy(out.data(), value->data, out.size() * sizeof(float));
  return out;
}

std::vector<std::int64_t> GgufMetadata::integers(std::string_view key) const {
  const GgufValue* const value = find(key);
  if (value == nullptr) return {};
  std::vector<std::int64_t> out;
  for (std::uint64_t i = 0; value->type == GgufType::kArray && i < value->count; ++i) {
    const auto x = integer_at(*value, i);
    if (!x) break;
    out.push_back(*x);
  }
  if (value->type != GgufType::kArray || out.size() != value->count) refuse(*value, "an array of integers");
  return out;
}

std::vector<std::int64_t> GgufMetadata::flags_if_array(std::string_view key) const {
  const GgufValue* const value = find(key);
  if (value == nullptr || value->type != GgufType::kArray) return {};
  if (value->of != GgufType::kBool) return integers(key);
  std::vector<std::int64_t> out;
  for (std::uint64_t i = 0; i < value->count; ++i) {
    out.push_back(std::to_integer<int>(value->data[i]) != 0 ? 1 : 0);
  }
  return out;
}

std::string GgufMetadata::bytes(std::string_view key) const {
  const GgufValue* const value = find(key);
  if (value == nullptr) return {};
  if (value->type != GgufType::kArray || gguf_type_size(value->of) != 1) refuse(*value, "an array of bytes");
  return {reinterpret_cast<const char*>(value->data), value->count};
}

std::vector<std::string> GgufMetadata::unread(std::string_view prefix) const {
  std::vector<std::string> keys;
  for (const GgufValue& value : values_) {
    if (value.key.starts_with(prefix) && !asked_.contains(value.key)) keys.push_back(value.key);
  }
  return keys;
}

std::string GgufMetadata::shown(const GgufValue& value, std::size_t limit) {
  if (value.type == GgufType::kArray && (value.count > 8 || value.of == GgufType::kString)) {
    return fmt::format("[{} of {}]", value.count, gguf_type_name(value.of));
  }
  std::string out;
  if (value.of == GgufType::kString) {
    for_each_text(value, [&](std::string_view text) {
      out = short_text(text, limit);
      return true;
    });
    return out;
  }
  for (std::uint64_t i = 0; i < value.count; ++i) {
    if (i > 0) out += ", ";
    if (value.of == GgufType::kBool) {
      out += std::to_integer<int>(value.data[i]) != 0 ? "true" : "false";
    } else if (const auto number = number_at(value, i)) {
      out += value.of == GgufType::kF32 ? fmt::format("{}", static_cast<float>(*number))
                                        : fmt::format("{}", *number);
    } else if (const auto integer = integer_at(value, i)) {
      out += fmt::format("{}", *integer);
    } else {
      out += fmt::format("{}", element<std::uint64_t>(value.data, i));
    }
  }
  return value.type == GgufType::kArray ? "[" + out + "]" : out;
}

}  // namespace lq
