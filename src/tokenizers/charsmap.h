// SentencePiece's precompiled character map: a double-array trie from byte sequences to their normal forms.
// Layout:
//   u32 little-endian: bytes of the trie | trie: u32 units | normal forms, each ended by a zero byte
// A trie unit holds a label (bits 0-7, and bit 31 for "value"), whether a value hangs on it (bit 8) and the
// offset to its children (bits 10-30, shifted left by 8 more where bit 9 is set).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lq::tokenizers {

class Charsmap {
 public:
  // Throws kCorruptFile (who names the file) where sizes contradict each other.
  Charsmap(std::string_view blob, const std::string& who);

  struct Match {
    std::size_t length;      // bytes of the text
    std::string_view value;  // what stands for them; valid UTF-8
  };
  // The longest, or the shortest, key that text begins with.
  std::optional<Match> longest(std::string_view text) const;
  std::optional<Match> shortest(std::string_view text) const;

 private:
  template <typename Visit>
  void prefixes(std::string_view text, const Visit& visit) const;
  std::string_view value_at(std::uint32_t offset) const;

  std::vector<std::uint32_t> units_;
  std::string values_;
};

}  // namespace lq::tokenizers
