// Which sequences go to cuDNN in one call. A call's plan knows how many there are and the longest length it
// may be given, so lengths are rounded up to few, and sequences of one class go together, in powers of two:
// then few plans are made, and nothing is computed for sequences that are not there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/attention_shape.h"

namespace lq::backends::cuda {

// The least of 64, 128, 192, 256, 384, 512, 768, 1024, ... that is not below n.
inline std::int64_t length_class(std::int64_t n) {
  std::int64_t power = 64;
  while (power < n) power *= 2;
  const std::int64_t between = power / 4 * 3;
  return between % 64 == 0 && between >= n ? between : power;
}

struct CudnnCall {
  std::vector<AttentionSegment> segments;  // a power of two, as they lie in memory
  std::int64_t q_rows = 0, kv_rows = 0;    // of the longest, rounded up
  bool ends_meet = false;                  // there are more keys than queries
};

// most: scores (sequences * q_rows * kv_rows) of a call. A longer sequence goes alone.
inline std::vector<CudnnCall> cudnn_calls(std::span<const AttentionSegment> segments, std::int64_t most) {
  struct Sorted {
    AttentionSegment segment;
    std::int64_t q_rows, kv_rows;
    bool ends_meet;
    bool same_class(const Sorted& o) const {
      return q_rows == o.q_rows && kv_rows == o.kv_rows && ends_meet == o.ends_meet;
    }
  };
  std::vector<Sorted> all;
  for (const AttentionSegment& s : segments)
    all.push_back({s, length_class(s.q_count), length_class(s.kv_count), s.q_count != s.kv_count});
  std::stable_sort(all.begin(), all.end(), [](const Sorted& a, const Sorted& b) {
    if (a.ends_meet != b.ends_meet) return b.ends_meet;
    if (a.q_rows != b.q_rows) return a.q_rows < b.q_rows;
    if (a.kv_rows != b.kv_rows) return a.kv_rows < b.kv_rows;
    return a.segment.q_begin < b.segment.q_begin;
  });
  std::vector<CudnnCall> calls;
  for (std::size_t begin = 0; begin < all.size();) {
    const Sorted& first = all[begin];
    std::size_t end = begin;
    while (end < all.size() && all[end].same_class(first)) ++end;
    const std::int64_t fit = std::max<std::int64_t>(1, most / (first.q_rows * first.kv_rows));
    std::int64_t count = 1;
    while (2 * count <= std::min<std::int64_t>(fit, static_cast<std::int64_t>(end - begin))) count *= 2;
    CudnnCall call;
    call.q_rows = first.q_rows;
    call.kv_rows = first.kv_rows;
    call.ends_meet = first.ends_meet;
    for (std::int64_t i = 0; i < count; ++i) call.segments.push_back(all[begin++].segment);
    calls.push_back(call);
  }
  return calls;
}

// Heads of keys that a call may have at once, so that all its heads' scores are at most `most`: a divisor of
// kv_heads, 0 where one is too many. scores: a head's, of all sequences.
inline std::int64_t heads_together(std::int64_t heads, std::int64_t kv_heads, std::int64_t scores,
                                   std::int64_t most) {
  for (std::int64_t n = kv_heads; n > 0; --n) {
    if (kv_heads % n == 0 && n * (heads / kv_heads) * scores <= most) return n;
  }
  return 0;
}

}  // namespace lq::backends::cuda
