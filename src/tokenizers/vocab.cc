#include "tokenizers/vocab.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"

namespace lq::tokenizers {

std::uint64_t quick_hash(const char* data, std::size_t size) {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15u;
  std::uint64_t h = size * kOdd;
  while (size >= 8) {
    std::uint64_t word;
    std::memcpy(&word, data, 8);
    h = (h ^ word) * kOdd;
    h ^= h >> 32;
    data += 8, size -= 8;
  }
  std::uint64_t word = 0;
  if (size > 0) std::memcpy(&word, data, size);
  h = (h ^ word) * kOdd;
  h ^= h >> 32;
  h *= kOdd;
  return h ^ (h >> 29);
}

void Vocab::build(std::vector<std::pair<std::string, std::int64_t>>&& entries, const std::string& who) {
  // Real files leave a few holes; a lone id of a billion is a damaged file, not a reason to take gigabytes.
  const auto limit = static_cast<std::int64_t>(entries.size()) * 2 + 100000;
  std::int64_t largest = -1;
  for (const auto& [piece, id] : entries) {
    LQ_CHECK(id >= 0 && id < limit, kCorruptFile, "{}: id {} of '{}': {} pieces should have ids from 0 on",
             who, id, piece, entries.size());
    largest = std::max(largest, id);
  }
  pieces_.assign(static_cast<std::size_t>(largest + 1), {});
  present_.assign(pieces_.size(), false);
  table_.assign(std::bit_ceil(entries.size() * 2 + 2), kNone);
  count_ = static_cast<std::int64_t>(entries.size());
  const std::size_t mask = table_.size() - 1;
  for (auto& [piece, id] : entries) {
    const auto i = static_cast<std::size_t>(id);
    LQ_CHECK(!present_[i], kCorruptFile, "{}: '{}' and '{}' both have id {}", who, pieces_[i], piece, id);
    std::size_t slot = quick_hash(piece.data(), piece.size()) & mask;
    while (table_[slot] != kNone) {
      LQ_CHECK(this->piece(table_[slot]) != piece, kCorruptFile, "{}: '{}' has two ids, {} and {}", who,
               piece, table_[slot], id);
      slot = (slot + 1) & mask;
    }
    table_[slot] = static_cast<std::int32_t>(id);
    pieces_[i] = std::move(piece);
    present_[i] = true;
  }
}

std::int32_t Vocab::find(std::string_view piece) const {
  if (table_.empty()) return kNone;
  const std::size_t mask = table_.size() - 1;
  std::size_t slot = quick_hash(piece.data(), piece.size()) & mask;
  while (table_[slot] != kNone) {
    if (this->piece(table_[slot]) == piece) return table_[slot];
    slot = (slot + 1) & mask;
  }
  return kNone;
}

}  // namespace lq::tokenizers
