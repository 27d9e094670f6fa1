#include "backends/cuda/attention_kernels.h"
#include "backends/cuda/launch.h"

namespace lq::backends::cuda {
namespace {

constexpr int kAttentionWarps = 8;  // of a block
constexpr int kAttentionThreads = kAttentionWarps * kLanes;

__device__ float warp_largest(float v) {
  for (int offset = kLanes / 2; offset > 0; offset /= 2) {
    const float other = __shfl_xor_sync(0xffffffffU, v, offset);
    v = other > v ? other : v;
  }
  return v;
}

// What a block knows of its row and head.
struct Place {
  AttentionSegment segment;
  std::int64_t i;  // the row within its segment
};

__device__ Place place_of(const AttentionRows& a, std::int64_t row) {
  if (a.alone != nullptr) return {*a.alone, row};
  const SegmentRows& s = a.segments[segment_of_row(a.segments, a.segment_count, row)];
  return {s.segment, row - s.first};
}

// One block a query and head: its warps share the keys, and are merged in their order.
__global__ void __launch_bounds__(kAttentionThreads) rows_forward(AttentionRows a, float* out, float* lse) {
  __shared__ OnlineRow parts[kAttentionWarps][kLanes];
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const int warp = static_cast<int>(threadIdx.x) / kLanes;
  const std::int64_t dim = a.shape.head_dim;
  const std::int64_t head = blockIdx.y;
  const Place at = place_of(a, blockIdx.x);
  const std::int64_t token = at.segment.q_begin + at.i;
  const std::int64_t kv_width = a.shape.kv_heads * dim;
  const std::int64_t kv_at = head / (a.shape.heads / a.shape.kv_heads) * dim;
  const float* const q = a.q + (token * a.shape.heads + head) * dim;
  const float* const k = a.k + at.segment.kv_begin * kv_width + kv_at;
  const float* const v = a.v + at.segment.kv_begin * kv_width + kv_at;
  const RowRange keys = keys_seen(at.segment, a.shape, at.i);
  OnlineRow row = empty_row();
  for (std::int64_t j = keys.begin + warp; j < keys.end; j += kAttentionWarps) {
    const float product = warp_sum(dot_of_lane(dim, q, k + j * kv_width, lane));
    add_key(dim, capped_score(a.shape, product), v + j * kv_width, lane, row);
  }
  parts[warp][lane] = row;
  __syncthreads();
  if (warp != 0) return;
  for (int w = 1; w < kAttentionWarps; ++w) merge_rows(parts[w][lane], row);
  if (a.sinks != nullptr) add_sink(a.sinks[head], row);
  finish_row(dim, row, lane, out + (token * a.shape.heads + head) * dim);
  if (lse != nullptr && lane == 0) lse[head * a.tokens + token] = log_sum_of(row);
}

// A warp a token and head.
__global__ void __launch_bounds__(kAttentionThreads)
    deltas(AttentionShape shape, std::int64_t tokens, const float* out, const float* dout, float* delta) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const std::int64_t i =
      std::int64_t{blockIdx.x} * kAttentionWarps + static_cast<std::int64_t>(threadIdx.x) / kLanes;
  if (i >= tokens * shape.heads) return;  // the whole warp
  const std::int64_t dim = shape.head_dim;
  const float sum = warp_sum(dot_of_lane(dim, dout + i * dim, out + i * dim, lane));
  if (lane == 0) delta[i % shape.heads * tokens + i / shape.heads] = sum;
}

// A warp a query and head.
__global__ void __launch_bounds__(kAttentionThreads)
    rows_backward(AttentionRows a, const float* lse, const float* delta, const float* dout, float* dq) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const std::int64_t number =
      std::int64_t{blockIdx.x} * kAttentionWarps + static_cast<std::int64_t>(threadIdx.x) / kLanes;
  if (number >= a.rows) return;  // the whole warp
  const std::int64_t dim = a.shape.head_dim;
  const std::int64_t head = blockIdx.y;
  const Place at = place_of(a, number);
  const std::int64_t token = at.segment.q_begin + at.i;
  const std::int64_t kv_width = a.shape.kv_heads * dim;
  const std::int64_t kv_at = head / (a.shape.heads / a.shape.kv_heads) * dim;
  const std::int64_t q_at = (token * a.shape.heads + head) * dim;
  const float* const k = a.k + at.segment.kv_begin * kv_width + kv_at;
  const float* const v = a.v + at.segment.kv_begin * kv_width + kv_at;
  const std::int64_t of_row = head * a.tokens + token;
  const RowRange keys = keys_seen(at.segment, a.shape, at.i);
  float sum[kMostPerLane] = {};
  for (std::int64_t j = keys.begin; j < keys.end; ++j) {
    const float product = warp_sum(dot_of_lane(dim, a.q + q_at, k + j * kv_width, lane));
    const float dp = warp_sum(dot_of_lane(dim, dout + q_at, v + j * kv_width, lane));
    const PairGradient g = pair_gradient(a.shape, product, dp, lse[of_row], delta[of_row]);
    add_lane(dim, g.ds, k + j * kv_width, lane, sum);
  }
  store_lane(dim, sum, lane, dq + q_at);
}

// A warp a key and key head: all queries that see it, head by head.
__global__ void __launch_bounds__(kAttentionThreads)
    keys_backward(AttentionRows a, const float* lse, const float* delta, const float* dout, float* dk,
                  float* dv) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const std::int64_t number =
      std::int64_t{blockIdx.x} * kAttentionWarps + static_cast<std::int64_t>(threadIdx.x) / kLanes;
  if (number >= a.rows) return;  // the whole warp
  const std::int64_t dim = a.shape.head_dim;
  const std::int64_t kv_head = blockIdx.y;
  const std::int64_t group = a.shape.heads / a.shape.kv_heads;
  const Place at = place_of(a, number);
  const std::int64_t kv_token = at.segment.kv_begin + at.i;
  const std::int64_t kv_at = (kv_token * a.shape.kv_heads + kv_head) * dim;
  const RowRange queries = queries_seeing(at.segment, a.shape, at.i);
  float k_sum[kMostPerLane] = {};
  float v_sum[kMostPerLane] = {};
  for (std::int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
    for (std::int64_t i = queries.begin; i < queries.end; ++i) {
      const std::int64_t token = at.segment.q_begin + i;
      const std::int64_t q_at = (token * a.shape.heads + head) * dim;
      const std::int64_t of_row = head * a.tokens + token;
      const float product = warp_sum(dot_of_lane(dim, a.q + q_at, a.k + kv_at, lane));
      const float dp = warp_sum(dot_of_lane(dim, dout + q_at, a.v + kv_at, lane));
      const PairGradient g = pair_gradient(a.shape, product, dp, lse[of_row], delta[of_row]);
      add_lane(dim, g.ds, a.q + q_at, lane, k_sum);
      add_lane(dim, g.p, dout + q_at, lane, v_sum);
    }
  }
  store_lane(dim, k_sum, lane, dk + kv_at);
  store_lane(dim, v_sum, lane, dv + kv_at);
}

// A warp a row of scores.
template <typename Number>
__global__ void __launch_bounds__(kAttentionThreads)
    softmax_rows(AttentionShape shape, ScoreBlock b, const float* scores, const float* sinks, Number* p,
                 float* lse) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const std::int64_t row =
      std::int64_t{blockIdx.x} * kAttentionWarps + static_cast<std::int64_t>(threadIdx.x) / kLanes;
  if (row >= b.heads * b.rows) return;  // the whole warp
  const float* const products = scores + row * b.ld;
  const RowRange seen = columns_seen(b, shape, row);
  const float peak = warp_largest(peak_of_lane(shape, seen, products, lane));
  const float total = warp_sum(total_of_lane(shape, seen, products, peak, lane));
  const float sum = sum_with_sink(peak, total, sinks == nullptr ? nullptr : sinks + row / b.rows);
  probabilities_of_lane(shape, seen, b.cols, products, sum, lane, p + row * b.ld);
  if (lse != nullptr && lane == 0) lse[row_number(b, row)] = sum;
}

template <typename Number>
__global__ void __launch_bounds__(kAttentionThreads)
    gradient_rows(AttentionShape shape, ScoreBlock b, const float* scores, const float* score_grads,
                  const float* lse, const float* delta, Number* p, Number* ds) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const std::int64_t row =
      std::int64_t{blockIdx.x} * kAttentionWarps + static_cast<std::int64_t>(threadIdx.x) / kLanes;
  if (row >= b.heads * b.rows) return;  // the whole warp
  const std::int64_t number = row_number(b, row);
  gradients_of_lane(shape, columns_seen(b, shape, row), b.cols, scores + row * b.ld, score_grads + row * b.ld,
                    lse[number], delta[number], lane, p + row * b.ld, ds + row * b.ld);
}

// A block a head.
__global__ void __launch_bounds__(kAttentionThreads)
    sink_sums(std::int64_t tokens, const float* sinks, const float* lse, const float* delta, float* dsinks) {
  __shared__ double sums[kAttentionThreads];
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t head = blockIdx.x;
  sums[thread] = sink_gradient_of_thread(tokens, sinks[head], lse + head * tokens, delta + head * tokens,
                                         thread, kAttentionThreads);
  __syncthreads();
  for (int half = kAttentionThreads / 2; half > 0; half /= 2) {
    if (thread < half) sums[thread] += sums[thread + half];
    __syncthreads();
  }
  if (thread == 0) dsinks[head] += static_cast<float>(sums[0]);
}

unsigned blocks_of(std::int64_t warps) {
  return static_cast<unsigned>((warps + kAttentionWarps - 1) / kAttentionWarps);
}

}  // namespace

void forward_rows(DeviceQueue& queue, const AttentionRows& a, float* out, float* lse) {
  const dim3 grid(static_cast<unsigned>(a.rows), static_cast<unsigned>(a.shape.heads));
  rows_forward<<<grid, kAttentionThreads, 0, use(queue)>>>(a, out, lse);
  check(cudaGetLastError(), "attention_forward");
}

void row_deltas(DeviceQueue& queue, const AttentionShape& shape, std::int64_t tokens, const float* out,
                const float* dout, float* delta) {
  deltas<<<blocks_of(tokens * shape.heads), kAttentionThreads, 0, use(queue)>>>(shape, tokens, out, dout,
                                                                                delta);
  check(cudaGetLastError(), "attention_backward");
}

void sink_gradients(DeviceQueue& queue, std::int64_t heads, std::int64_t tokens, const float* sinks,
                    const float* lse, const float* delta, float* dsinks) {
  sink_sums<<<static_cast<unsigned>(heads), kAttentionThreads, 0, use(queue)>>>(tokens, sinks, lse, delta,
                                                                                dsinks);
  check(cudaGetLastError(), "attention_sinks_backward");
}

void query_gradients(DeviceQueue& queue, const AttentionRows& a, const float* lse, const float* delta,
                     const float* dout, float* dq) {
  const dim3 grid(blocks_of(a.rows), static_cast<unsigned>(a.shape.heads));
  rows_backward<<<grid, kAttentionThreads, 0, use(queue)>>>(a, lse, delta, dout, dq);
  check(cudaGetLastError(), "attention_backward");
}

void key_gradients(DeviceQueue& queue, const AttentionRows& a, const float* lse, const float* delta,
                   const float* dout, float* dk, float* dv) {
  const dim3 grid(blocks_of(a.rows), static_cast<unsigned>(a.shape.kv_heads));
  keys_backward<<<grid, kAttentionThreads, 0, use(queue)>>>(a, lse, delta, dout, dk, dv);
  check(cudaGetLastError(), "attention_backward");
}

void block_softmax(DeviceQueue& queue, const AttentionShape& shape, const ScoreBlock& b, const float* scores,
                   const float* sinks, bool bf16, void* p, float* lse) {
  const unsigned grid = blocks_of(b.heads * b.rows);
  const cudaStream_t stream = use(queue);
  if (bf16) {
    softmax_rows<<<grid, kAttentionThreads, 0, stream>>>(shape, b, scores, sinks,
                                                         static_cast<std::uint16_t*>(p), lse);
  } else {
    softmax_rows<<<grid, kAttentionThreads, 0, stream>>>(shape, b, scores, sinks, static_cast<float*>(p),
                                                         lse);
  }
  check(cudaGetLastError(), "attention_forward");
}

void block_gradients(DeviceQueue& queue, const AttentionShape& shape, const ScoreBlock& b,
                     const float* scores, const float* score_grads, const float* lse, const float* delta,
                     bool bf16, void* p, void* ds) {
  const unsigned grid = blocks_of(b.heads * b.rows);
  const cudaStream_t stream = use(queue);
  if (bf16) {
    gradient_rows<<<grid, kAttentionThreads, 0, stream>>>(shape, b, scores, score_grads, lse, delta,
                                                          static_cast<std::uint16_t*>(p),
                                                          static_cast<std::uint16_t*>(ds));
  } else {
    gradient_rows<<<grid, kAttentionThreads, 0, stream>>>(shape, b, scores, score_grads, lse, delta,
                                                          static_cast<float*>(p), static_cast<float*>(ds));
  }
  check(cudaGetLastError(), "attention_backward");
}

}  // namespace lq::backends::cuda
