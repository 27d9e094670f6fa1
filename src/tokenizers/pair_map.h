// A flat hash map from a pair of 32-bit numbers to a small value: merges of (left, right), edges of (node,
// byte).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lq::tokenizers {

template <typename Value>
class PairMap {
 public:
  explicit PairMap(std::size_t expected = 0) { slots_.resize(std::bit_ceil(expected * 2 + 16)); }

  // The last value given for a pair counts.
  void set(std::uint32_t a, std::uint32_t b, const Value& value) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[position(key_of(a, b))];
    if (slot.key == kFree) ++count_;
    slot = {key_of(a, b), value};
  }
  // nullptr where absent.
  const Value* find(std::uint32_t a, std::uint32_t b) const {
    const Slot& slot = slots_[position(key_of(a, b))];
    return slot.key == kFree ? nullptr : &slot.value;
  }
  std::size_t size() const { return count_; }

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};  // no pair of ids below 2^31 has this key
  struct Slot {
    std::uint64_t key = kFree;
    Value value{};
  };
  static std::uint64_t key_of(std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} << 32 | b; }
  std::size_t position(std::uint64_t key) const {
    const std::size_t mask = slots_.size() - 1;
    std::uint64_t h = (key ^ key >> 29) * 0x9E3779B97F4A7C15u;
    h ^= h >> 32;
    std::size_t at = static_cast<std::size_t>(h) & mask;
    while (slots_[at].key != kFree && slots_[at].key != key) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.key != kFree) slots_[position(slot.key)] = slot;
    }
  }
  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace lq::tokenizers
