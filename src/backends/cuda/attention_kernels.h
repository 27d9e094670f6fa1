// The kernels of attention. Internal to backends/cuda: attention.cc decides which segments take which.
#pragma once

#include <cstdint>

#include "backends/cuda/attention.h"
#include "backends/cuda/attention_element.h"

namespace lq::backends::cuda {

// ---- all of attention without cuDNN, whatever the precision: attention.cc; contracts as in attention.h.
// Backward adds to dk and dv, which are 0 at first. ----
void attention_forward_by_own(DeviceQueue& queue, const AttentionInput& in, float* out, float* lse);
void attention_backward_by_own(DeviceQueue& queue, const AttentionInput& in, const float* out,
                               const float* lse, const float* dout, float* dq, float* dk, float* dv);

// ---- rows: segments on the device, `rows` of them in all ----
struct AttentionRows {
  AttentionShape shape;
  const SegmentRows* segments;
  const AttentionSegment* alone;  // null: segments; else the only one, where a graph finds it
  int segment_count;
  std::int64_t rows;    // of all segments' queries (or keys, in key_gradients)
  std::int64_t tokens;  // of q
  const float *q, *k, *v;
  const float* sinks;  // [heads]; null: none
};
void forward_rows(DeviceQueue& queue, const AttentionRows& a, float* out, float* lse);
// delta[h, t] = dout . out of a head and token.
void row_deltas(DeviceQueue& queue, const AttentionShape& shape, std::int64_t tokens, const float* out,
                const float* dout, float* delta);
// dsinks += . lse, delta: [heads, tokens].
void sink_gradients(DeviceQueue& queue, std::int64_t heads, std::int64_t tokens, const float* sinks,
                    const float* lse, const float* delta, float* dsinks);
void query_gradients(DeviceQueue& queue, const AttentionRows& a, const float* lse, const float* delta,
                     const float* dout, float* dq);
void key_gradients(DeviceQueue& queue, const AttentionRows& a, const float* lse, const float* delta,
                   const float* dout, float* dk, float* dv);

// ---- blocks; p, ds: f32, or bf16 where `bf16` ----
void block_softmax(DeviceQueue& queue, const AttentionShape& shape, const ScoreBlock& b, const float* scores,
                   const float* sinks, bool bf16, void* p, float* lse);
void block_gradients(DeviceQueue& queue, const AttentionShape& shape, const ScoreBlock& b,
                     const float* scores, const float* score_grads, const float* lse, const float* delta,
                     bool bf16, void* p, void* ds);

}  // namespace lq::backends::cuda
