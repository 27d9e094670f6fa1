// Ids of words seen before. Text repeats its words: most are looked up here and never merged.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "tokenizers/vocab.h"

namespace lq::tokenizers {

// Fixed size (2 MiB), one cache line a word; a new word takes the place of an old one. Not thread-safe: see
// WordCachePool.
class WordCache {
 public:
  static constexpr std::size_t kMaxBytes = 30;
  static constexpr std::size_t kMaxIds = 8;

  WordCache() : entries_(kEntries) {}

  // Appends the ids of word and returns true, or returns false where it is not here.
  bool append(std::string_view word, std::uint64_t hash, std::vector<std::int32_t>& out) const {
    const Entry& e = entries_[hash & (kEntries - 1)];
    if (e.size != word.size() || std::memcmp(e.bytes.data(), word.data(), word.size()) != 0) return false;
    // A fixed-size copy is faster than a loop over one or two ids; the surplus is cut off again.
    const std::size_t before = out.size();
    out.resize(before + kMaxIds);
    std::memcpy(out.data() + before, e.ids.data(), sizeof e.ids);
    out.resize(before + e.count);
    return true;
  }
  void store(std::string_view word, std::uint64_t hash, const std::int32_t* ids, std::size_t count) {
    if (word.empty() || word.size() > kMaxBytes || count > kMaxIds) return;
    Entry& e = entries_[hash & (kEntries - 1)];
    e.size = static_cast<std::uint8_t>(word.size());
    e.count = static_cast<std::uint8_t>(count);
    std::memcpy(e.bytes.data(), word.data(), word.size());
    if (count > 0) std::memcpy(e.ids.data(), ids, count * sizeof(std::int32_t));
  }
  static bool fits(std::string_view word) { return word.size() <= kMaxBytes; }
  static std::uint64_t hash(std::string_view word) { return quick_hash(word.data(), word.size()); }

 private:
  static constexpr std::size_t kEntries = 1 << 15;
  struct alignas(64) Entry {
    std::uint8_t size = 0;  // 0: free
    std::uint8_t count = 0;
    std::array<char, kMaxBytes> bytes;
    std::array<std::int32_t, kMaxIds> ids;
  };
  std::vector<Entry> entries_;
};

// Lends one cache to each call of encode(), so that calls from several threads do not meet in one.
class WordCachePool {
 public:
  class Lease {
   public:
    explicit Lease(WordCachePool& pool) : pool_(pool), cache_(pool.take()) {}
    ~Lease() { pool_.give_back(std::move(cache_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    WordCache& operator*() const { return *cache_; }

   private:
    WordCachePool& pool_;
    std::unique_ptr<WordCache> cache_;
  };

 private:
  std::unique_ptr<WordCache> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        auto cache = std::move(free_.back());
        free_.pop_back();
        return cache;
      }
    }
    return std::make_unique<WordCache>();
  }
  void give_back(std::unique_ptr<WordCache> cache) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(cache));
  }
  std::mutex mutex_;
  std::vector<std::unique_ptr<WordCache>> free_;
};

}  // namespace lq::tokenizers
