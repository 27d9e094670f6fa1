// Attention as CUDA threads compute it. Two ways: "rows", where warps go over the keys of a query (or the
// queries of a key) one after the other, in f32; and "blocks", where scores of a block of queries are made by
// a matrix product, turned into probabilities here, and multiplied by the values by another
// (attention_blocks.h).
#pragma once

#include <cmath>
#include <cstdint>

#include "backends/attention_shape.h"
#include "backends/cuda/half_element.h"
#include "backends/cuda/host_device.h"

namespace lq::backends::cuda {

// A head's dimensions lie on lanes: lane l has l, l + 32, ...
inline constexpr int kMostPerLane = 8;
inline constexpr std::int64_t kMostHeadDim = kMostPerLane * kLanes;

struct RowRange {
  std::int64_t begin, end;
};

// Keys of the segment that its query i sees.
LQ_HOST_DEVICE inline RowRange keys_seen(const AttentionSegment& s, const AttentionShape& shape,
                                         std::int64_t i) {
  if (!shape.causal) return {0, s.kv_count};
  const std::int64_t last = s.kv_count - s.q_count + i;
  const std::int64_t first = shape.window > 0 ? last - shape.window + 1 : 0;
  return {first < 0 ? 0 : first, last + 1};
}

// Queries of the segment that see its key j.
LQ_HOST_DEVICE inline RowRange queries_seeing(const AttentionSegment& s, const AttentionShape& shape,
                                              std::int64_t j) {
  if (!shape.causal) return {0, s.q_count};
  const std::int64_t first = j - (s.kv_count - s.q_count);
  const std::int64_t end = shape.window > 0 ? first + shape.window : s.q_count;
  return {first < 0 ? 0 : first, end < 0 ? 0 : end < s.q_count ? end : s.q_count};
}

// A segment, and how many rows the segments before it have.
struct SegmentRows {
  AttentionSegment segment;
  std::int64_t first;
};

// The segment that has row `row`, counted over all of them. REQUIRES: none is empty.
LQ_HOST_DEVICE inline int segment_of_row(const SegmentRows* segments, int count, std::int64_t row) {
  int begin = 0;
  int end = count;
  while (end - begin > 1) {
    const int middle = (begin + end) / 2;
    if (segments[middle].first <= row) {
      begin = middle;
    } else {
      end = middle;
    }
  }
  return begin;
}

// A score as the softmax takes it, and its slope against the product q k.
LQ_HOST_DEVICE inline float capped_score(const AttentionShape& shape, float product) {
  const float score = shape.scale * product;
  return shape.soft_cap > 0.0F ? shape.soft_cap * std::tanh(score / shape.soft_cap) : score;
}
LQ_HOST_DEVICE inline float score_slope(const AttentionShape& shape, float capped) {
  if (!(shape.soft_cap > 0.0F)) return shape.scale;
  const float t = capped / shape.soft_cap;
  return shape.scale * (1.0F - t * t);
}

LQ_HOST_DEVICE inline float dot_of_lane(std::int64_t dim, const float* a, const float* b, int lane) {
  float sum = 0.0F;
  for (std::int64_t d = lane; d < dim; d += kLanes) sum += a[d] * b[d];
  return sum;
}

// ---- rows ----

// A query's softmax over some of its keys, and the lane's part of the weighted sum of their values.
struct OnlineRow {
  float peak, total;
  float sum[kMostPerLane];
};

LQ_HOST_DEVICE inline OnlineRow empty_row() {
  OnlineRow r = {-INFINITY, 0.0F, {}};
  return r;
}

LQ_HOST_DEVICE inline void add_key(std::int64_t dim, float score, const float* value, int lane,
                                   OnlineRow& row) {
  float weight = 1.0F;
  if (score > row.peak) {
    const float keep = std::exp(row.peak - score);  // 0 for the first key
    row.total *= keep;
    for (int i = 0; i < kMostPerLane; ++i) row.sum[i] *= keep;
    row.peak = score;
  } else {
    weight = std::exp(score - row.peak);
  }
  row.total += weight;
  int i = 0;
  for (std::int64_t d = lane; d < dim; d += kLanes) row.sum[i++] += weight * value[d];
}

LQ_HOST_DEVICE inline void merge_rows(const OnlineRow& other, OnlineRow& row) {
  if (other.total == 0.0F) return;
  const float peak = row.peak < other.peak ? other.peak : row.peak;
  const float keep = std::exp(row.peak - peak);
  const float take = std::exp(other.peak - peak);
  row.peak = peak;
  row.total = row.total * keep + other.total * take;
  for (int i = 0; i < kMostPerLane; ++i) row.sum[i] = row.sum[i] * keep + other.sum[i] * take;
}

// A head's sink: a key more, whose value is 0.
LQ_HOST_DEVICE inline void add_sink(float sink, OnlineRow& row) {
  OnlineRow key = {sink, 1.0F, {}};
  merge_rows(key, row);
}

LQ_HOST_DEVICE inline void finish_row(std::int64_t dim, const OnlineRow& row, int lane, float* out) {
  const float inverse = 1.0F / row.total;
  int i = 0;
  for (std::int64_t d = lane; d < dim; d += kLanes) out[d] = row.sum[i++] * inverse;
}
LQ_HOST_DEVICE inline float log_sum_of(const OnlineRow& row) { return row.peak + std::log(row.total); }

// One pair of query and key in backward: the probability and the gradient of the product q k.
struct PairGradient {
  float p, ds;
};
// product: q k; dp: dout v; delta: dout out of the query.
LQ_HOST_DEVICE inline PairGradient pair_gradient(const AttentionShape& shape, float product, float dp,
                                                 float lse, float delta) {
  const float score = capped_score(shape, product);
  const float p = std::exp(score - lse);
  return {p, p * (dp - delta) * score_slope(shape, score)};
}

// sum += factor * x for the lane's dimensions.
LQ_HOST_DEVICE inline void add_lane(std::int64_t dim, float factor, const float* x, int lane,
                                    float sum[kMostPerLane]) {
  int i = 0;
  for (std::int64_t d = lane; d < dim; d += kLanes) sum[i++] += factor * x[d];
}
LQ_HOST_DEVICE inline void store_lane(std::int64_t dim, const float sum[kMostPerLane], int lane, float* out) {
  int i = 0;
  for (std::int64_t d = lane; d < dim; d += kLanes) out[d] = sum[i++];
}

// ---- blocks ----

// Scores of queries [q0, q0 + rows) of a segment, by keys [k0, k0 + cols) of it, for all heads:
// [heads, rows, ld], of which each row has cols.
struct ScoreBlock {
  AttentionSegment segment;
  std::int64_t heads, q0, rows, k0, cols, ld;
  std::int64_t tokens;  // rows of q in all: log-sums and delta are [heads, tokens]
};

// Where row `row` of the block's heads * rows rows has its log-sum.
LQ_HOST_DEVICE inline std::int64_t row_number(const ScoreBlock& b, std::int64_t row) {
  return row / b.rows * b.tokens + b.segment.q_begin + b.q0 + row % b.rows;
}
// Columns of the block that it sees.
LQ_HOST_DEVICE inline RowRange columns_seen(const ScoreBlock& b, const AttentionShape& shape,
                                            std::int64_t row) {
  const RowRange keys = keys_seen(b.segment, shape, b.q0 + row % b.rows);
  const std::int64_t begin = keys.begin < b.k0 ? 0 : keys.begin - b.k0;
  const std::int64_t end = keys.end - b.k0;
  return {begin, end < b.cols ? end : b.cols};
}

// The lane's largest score, then its sum of exponentials.
LQ_HOST_DEVICE inline float peak_of_lane(const AttentionShape& shape, const RowRange& seen,
                                         const float* products, int lane) {
  float peak = -INFINITY;
  for (std::int64_t j = seen.begin + lane; j < seen.end; j += kLanes) {
    const float score = capped_score(shape, products[j]);
    peak = score > peak ? score : peak;
  }
  return peak;
}
LQ_HOST_DEVICE inline float total_of_lane(const AttentionShape& shape, const RowRange& seen,
                                          const float* products, float peak, int lane) {
  float total = 0.0F;
  for (std::int64_t j = seen.begin + lane; j < seen.end; j += kLanes)
    total += std::exp(capped_score(shape, products[j]) - peak);
  return total;
}

// The softmax's log-sum; with a sink that is one score more.
LQ_HOST_DEVICE inline float sum_with_sink(float peak, float total, const float* sink) {
  if (sink == nullptr) return peak + std::log(total);
  const float both = *sink > peak ? *sink : peak;
  return both + std::log(total * std::exp(peak - both) + std::exp(*sink - both));
}

// The thread's part of a head's sink's gradient: its value is 0, so that its score's slope is -p (dout out).
// lse, delta: the head's, [tokens].
LQ_HOST_DEVICE inline double sink_gradient_of_thread(std::int64_t tokens, float sink, const float* lse,
                                                     const float* delta, int thread, int threads) {
  double sum = 0.0;
  for (std::int64_t t = thread; t < tokens; t += threads)
    sum -= double{std::exp(sink - lse[t])} * double{delta[t]};
  return sum;
}

LQ_HOST_DEVICE inline void store_number(float x, float* to) { *to = x; }
LQ_HOST_DEVICE inline void store_number(float x, std::uint16_t* to) { *to = bf16_of_float(x); }

// The lane's probabilities; 0 where the query does not see.
template <typename Number>
LQ_HOST_DEVICE inline void probabilities_of_lane(const AttentionShape& shape, const RowRange& seen,
                                                 std::int64_t cols, const float* products, float lse,
                                                 int lane, Number* p) {
  for (std::int64_t j = lane; j < cols; j += kLanes) {
    const bool sees = j >= seen.begin && j < seen.end;
    store_number(sees ? std::exp(capped_score(shape, products[j]) - lse) : 0.0F, p + j);
  }
}

// The lane's probabilities again, and gradients of the products q k. products: q k; dp: dout v.
template <typename Number>
LQ_HOST_DEVICE inline void gradients_of_lane(const AttentionShape& shape, const RowRange& seen,
                                             std::int64_t cols, const float* products, const float* dp,
                                             float lse, float delta, int lane, Number* p, Number* ds) {
  for (std::int64_t j = lane; j < cols; j += kLanes) {
    PairGradient g = {0.0F, 0.0F};
    if (j >= seen.begin && j < seen.end) g = pair_gradient(shape, products[j], dp[j], lse, delta);
    store_number(g.p, p + j);
    store_number(g.ds, ds + j);
  }
}

}  // namespace lq::backends::cuda
