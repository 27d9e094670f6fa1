// Typed access to the metadata of a GGUF file. Remembers what was asked for, so that keys which nobody
// understood can be refused.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/gguf/gguf_header.h"

namespace lq {

// Borrows from the header it is made of. Missing key: Error(kNotFound); of another type or out of range:
// Error(kCorruptFile); messages name file and key. Not thread-safe.
class GgufMetadata {
 public:
  GgufMetadata(const std::vector<GgufValue>& values, std::string who);

  const std::string& who() const { return who_; }
  bool has(std::string_view key) const;
  // Integers of any width.
  std::int64_t integer(std::string_view key, std::int64_t min, std::int64_t max) const;
  std::int64_t integer_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                          std::int64_t max) const;
  // The same of a value for each block: one integer for all, or an array whose elements are equal, for this
  // program computes models whose blocks are alike. Throws Error(kUnsupported) where they are not.
  std::int64_t common_integer(std::string_view key, std::int64_t min, std::int64_t max) const;
  // Finite; of either width. An integer is refused.
  double number(std::string_view key, double min, double max) const;
  double number_or(std::string_view key, double fallback, double min, double max) const;
  bool boolean_or(std::string_view key, bool fallback) const;
  // Texts are UTF-8; others are refused.
  std::string text(std::string_view key) const;
  std::string text_or(std::string_view key, std::string_view fallback) const;
  // Arrays; a missing key gives none.
  std::vector<std::string> texts(std::string_view key) const;
  std::vector<float> floats(std::string_view key) const;
  std::vector<std::int64_t> integers(std::string_view key) const;
  // Of an array of bools or integers, 0 for false; none where the value is no array.
  std::vector<std::int64_t> flags_if_array(std::string_view key) const;
  std::string bytes(std::string_view key) const;  // of an array of u8 or i8

  // Keys that begin with `prefix` and were not asked for, in the file's order.
  std::vector<std::string> unread(std::string_view prefix) const;
  // A value for people: "32", "[151936 strings]", a text of at most `limit` bytes.
  static std::string shown(const GgufValue& value, std::size_t limit);

 private:
  const GgufValue* find(std::string_view key) const;
  const GgufValue& required(std::string_view key) const;
  [[noreturn]] void refuse(const GgufValue& value, std::string_view expected) const;

  const std::vector<GgufValue>& values_;
  std::string who_;
  std::unordered_map<std::string_view, const GgufValue*> index_;
  mutable std::set<std::string, std::less<>> asked_;
};

}  // namespace lq
