// Small parts of tokenizer files, made byte by byte, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizers/word_model.h"

namespace lq::tokenizers::made {

using Ids = std::vector<std::int32_t>;

// Pieces with the ids 0, 1, 2, ...
inline Vocab vocab(const std::vector<std::string>& pieces) {
  std::vector<std::pair<std::string, std::int64_t>> entries;
  for (const std::string& piece : pieces) entries.emplace_back(piece, std::ssize(entries));
  Vocab out;
  out.build(std::move(entries), "vocab");
  return out;
}

// What a model makes of a word, the second time too, when the cache may know it.
inline Ids ids(const WordModel& model, std::string_view word) {
  WordCache cache;
  WordScratch scratch{cache, {}};
  Ids first, again;
  model.encode(word, scratch, first);
  model.encode(word, scratch, again);
  EXPECT_EQ(again, first) << "from the cache: " << word;
  return first;
}

inline std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = at; i < at + 3; ++i) {
      group = group << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += at + i <= bytes.size() ? kDigits[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return out;
}

inline std::string units_bytes(const std::vector<std::uint32_t>& units, std::string_view values) {
  const auto size = static_cast<std::uint32_t>(units.size() * 4);
  std::string out(4 + size, '\0');
  std::memcpy(out.data(), &size, 4);
  std::memcpy(out.data() + 4, units.data(), size);
  return out.append(values);
}

// A character map of these keys and normal forms, as tokenizers/charsmap.h lays it out. Every node of the
// trie has 256 units of its own for its children, so that none are in each other's way.
inline std::string charsmap(const std::map<std::string, std::string>& forms) {
  struct Node {
    std::map<unsigned char, std::size_t> next;
    std::int64_t value = -1;
  };
  std::vector<Node> nodes(1);
  std::string values;
  for (const auto& [key, form] : forms) {
    std::size_t at = 0;
    for (const char c : key) {
      const auto byte = static_cast<unsigned char>(c);
      if (!nodes[at].next.contains(byte)) {
        nodes[at].next[byte] = nodes.size();
        nodes.emplace_back();
      }
      at = nodes[at].next[byte];
    }
    nodes[at].value = std::ssize(values);
    values.append(form).push_back('\0');
  }
  std::vector<std::uint32_t> units((nodes.size() + 1) * 256, 0);
  const auto children = [](std::size_t node) { return static_cast<std::uint32_t>((node + 1) * 256); };
  units[0] = children(0) << 10;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].value >= 0) units[children(i)] = 0x80000000U | static_cast<std::uint32_t>(nodes[i].value);
    for (const auto& [byte, child] : nodes[i].next) {
      const std::uint32_t position = children(i) ^ byte;
      const std::uint32_t has_value = nodes[child].value >= 0 ? 1U << 8 : 0U;
      units[position] = byte | has_value | (position ^ children(child)) << 10;
    }
  }
  return units_bytes(units, values);
}

// Fields of Protocol Buffers.
inline std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 128; value >>= 7) out.push_back(static_cast<char>(value % 128 + 128));
  out.push_back(static_cast<char>(value));
  return out;
}
inline std::string number_field(std::uint64_t field, std::int64_t value) {
  return varint(field << 3) + varint(static_cast<std::uint64_t>(value));
}
inline std::string float_field(std::uint64_t field, float value) {
  std::string out = varint(field << 3 | 5);
  return out.append(reinterpret_cast<const char*>(&value), 4);
}
inline std::string bytes_field(std::uint64_t field, std::string_view bytes) {
  return (varint(field << 3 | 2) + varint(bytes.size())).append(bytes);
}
// A piece of a SentencePiece model.
inline std::string piece(std::string_view text, float score, std::int64_t type) {
  return bytes_field(1, bytes_field(1, text) + float_field(2, score) + number_field(3, type));
}

}  // namespace lq::tokenizers::made
