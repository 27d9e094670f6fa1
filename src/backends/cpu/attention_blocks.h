// How attention cuts a sequence into blocks. Internal to backends/cpu/attention*.cc.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/attention_shape.h"

namespace lq::backends::cpu::attention_blocks {

constexpr std::int64_t kQueries = 64;  // rows of a block of scores: with kKeys 64 KiB, which stays in L2
constexpr std::int64_t kKeys = 256;

struct KeyRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// Keys that any query of [q0, q1) of the segment sees.
inline KeyRange keys_of(const AttentionSegment& s, const AttentionShape& shape, std::int64_t q0,
                        std::int64_t q1) {
  if (!shape.causal) return {0, s.kv_count};
  const std::int64_t window = shape.window;
  const std::int64_t shift = s.kv_count - s.q_count;
  const std::int64_t begin = window > 0 ? std::max<std::int64_t>(0, shift + q0 - window + 1) : 0;
  return {begin / kKeys * kKeys, shift + q1};
}

// Keys that query i sees, cut to [k0, k1): first and one past the last, relative to k0.
inline KeyRange visible(const AttentionSegment& s, const AttentionShape& shape, std::int64_t i,
                        std::int64_t k0, std::int64_t k1) {
  if (!shape.causal) return {0, k1 - k0};
  const std::int64_t window = shape.window;
  const std::int64_t last = s.kv_count - s.q_count + i;
  const std::int64_t first = window > 0 ? std::max<std::int64_t>(0, last - window + 1) : 0;
  const std::int64_t begin = std::clamp(first, k0, k1) - k0;
  return {begin, std::max(begin, std::min(last + 1, k1) - k0)};
}

}  // namespace lq::backends::cpu::attention_blocks
