// Which decoded weights lie where in a ring of memory, so that a layer's recomputation and its backward pass
// share one decoding. Knows nothing of the device: a test runs it on the processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace lq::backends::cuda {

class DecodedRing {
 public:
  static constexpr std::size_t kAlign = 256;

  struct Place {
    std::size_t offset = 0;
    bool fits = false;   // else the ring is too small for it
    bool there = false;  // decoded already
  };

  std::size_t capacity() const { return capacity_; }
  // Forgets everything.
  void set_capacity(std::size_t bytes) {
    capacity_ = bytes;
    clear();
  }
  void clear() {
    entries_.clear();
    next_ = 0;
  }

  // Where the weight whose stored form begins at `codes` lies, or goes now, in `bytes` bytes; what lay there
  // is forgotten. epoch: grows whenever memory was given back, for then another weight may have taken the
  // address. shape: of what is decoded in another way, or together with others.
  Place place(const void* codes, std::size_t bytes, std::uint64_t epoch, std::uint64_t shape = 0) {
    if (epoch != epoch_) clear();
    epoch_ = epoch;
    for (const Entry& e : entries_) {
      if (e.codes == codes && e.bytes == bytes && e.shape == shape) return {e.offset, true, true};
    }
    const std::size_t size = (bytes + kAlign - 1) / kAlign * kAlign;
    if (size > capacity_ || size == 0) return {};
    if (next_ + size > capacity_) {
      // The rest is too short: what lies there is older than anything at the front.
      while (!entries_.empty() && entries_.front().offset >= next_) entries_.pop_front();
      next_ = 0;
    }
    while (!entries_.empty() && overlaps(entries_.front(), next_, size)) entries_.pop_front();
    entries_.push_back({codes, bytes, next_, size, shape});
    const Place placed{next_, true, false};
    next_ += size;
    return placed;
  }

 private:
  struct Entry {
    const void* codes;
    std::size_t bytes, offset, size;
    std::uint64_t shape;
  };
  static bool overlaps(const Entry& e, std::size_t begin, std::size_t size) {
    return e.offset < begin + size && begin < e.offset + e.size;
  }

  std::size_t capacity_ = 0;
  std::size_t next_ = 0;
  std::uint64_t epoch_ = 0;
  std::deque<Entry> entries_;  // oldest first
};

}  // namespace lq::backends::cuda
