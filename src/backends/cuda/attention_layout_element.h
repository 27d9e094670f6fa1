// Where cuDNN's operands have what ours have: bf16 and [token, head] there, f32 and [head, token] here.
#pragma once

#include <cstdint>

#include "backends/cuda/attention_element.h"
#include "backends/cuda/half_element.h"

namespace lq::backends::cuda {

// Rows of some segments among all rows of a matrix.
struct PackedRows {
  const SegmentRows* segments;
  int count;
  bool keys;  // kv_begin says where they begin, else q_begin
};

// The matrix's row of the segments' row `row`.
LQ_HOST_DEVICE inline std::int64_t packed_row(const PackedRows& p, std::int64_t row) {
  const SegmentRows& s = p.segments[segment_of_row(p.segments, p.count, row)];
  return (p.keys ? s.segment.kv_begin : s.segment.q_begin) + row - s.first;
}

// Element i of the segments' rows of width `width`, from bf16 to f32 at the same place.
LQ_HOST_DEVICE inline void widen_element(const PackedRows& p, std::int64_t width, std::int64_t i,
                                         const std::uint16_t* from, float* to) {
  const std::int64_t at = packed_row(p, i / width) * width + i % width;
  to[at] = float_of_bf16(from[at]);
}

// Heads [first, first + heads) of lse [all heads, tokens], as stats [tokens, heads].
LQ_HOST_DEVICE inline void stats_of_lse(const PackedRows& p, std::int64_t tokens, std::int64_t first,
                                        std::int64_t heads, std::int64_t i, const float* lse, float* stats) {
  const std::int64_t token = packed_row(p, i / heads);
  stats[token * heads + i % heads] = lse[(first + i % heads) * tokens + token];
}
LQ_HOST_DEVICE inline void lse_of_stats(const PackedRows& p, std::int64_t tokens, std::int64_t heads,
                                        std::int64_t i, const float* stats, float* lse) {
  const std::int64_t token = packed_row(p, i / heads);
  lse[i % heads * tokens + token] = stats[token * heads + i % heads];
}

}  // namespace lq::backends::cuda
