// Pieces and ids, both ways: one array of strings and one flat hash table over it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lq::tokenizers {

// A 64-bit hash of a few bytes, fast for short keys. The same on every machine of this byte order; never
// stored.
std::uint64_t quick_hash(const char* data, std::size_t size);

class Vocab {
 public:
  static constexpr std::int32_t kNone = -1;

  // Entries may come in any order and leave holes. Throws kCorruptFile (who names the file and the place): a
  // negative id, one id for two pieces, one piece with two ids, or ids absurdly larger than the number of
  // pieces.
  void build(std::vector<std::pair<std::string, std::int64_t>>&& entries, const std::string& who);

  std::int32_t find(std::string_view piece) const;  // kNone where absent
  // REQUIRES: 0 <= id < size().
  const std::string& piece(std::int32_t id) const { return pieces_[static_cast<std::size_t>(id)]; }
  bool has(std::int32_t id) const { return id >= 0 && id < size() && present_[static_cast<std::size_t>(id)]; }
  std::int32_t size() const { return static_cast<std::int32_t>(pieces_.size()); }  // largest id + 1
  std::int64_t count() const { return count_; }                                    // without the holes

 private:
  std::vector<std::string> pieces_;
  std::vector<bool> present_;
  std::vector<std::int32_t> table_;  // ids at hash positions, linear probing; kNone where free
  std::int64_t count_ = 0;
};

}  // namespace lq::tokenizers
