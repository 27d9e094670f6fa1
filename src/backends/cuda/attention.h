// Attention on a CUDA device; contracts as in ops/attention.h. Segments are the host's, all else is memory of
// the queue's device; the work is queued. The same bits in every run. Builds without CUDA have the same
// symbols (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "backends/attention_shape.h"
#include "backends/cuda/product_tile.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

struct AttentionInput {
  AttentionShape shape;  // head_dim at most 256
  const AttentionSegment* segments = nullptr;
  std::int64_t segment_count = 0;
  std::int64_t tokens = 0;     // rows of q
  std::int64_t kv_tokens = 0;  // rows of k and v
  const float *q = nullptr, *k = nullptr, *v = nullptr;
  // Long segments are computed in blocks whose operands may be rounded so; short ones in f32.
  Precision precision = Precision::kF32;
  const float* sinks = nullptr;  // [heads], in forward alone: backward has them in lse; null: none
};

// lse: null where it is not wanted.
void attention_forward(DeviceQueue& queue, const AttentionInput& in, float* out, float* lse);
void attention_backward(DeviceQueue& queue, const AttentionInput& in, const float* out, const float* lse,
                        const float* dout, float* dq, float* dk, float* dv);

// dsinks += . All of a device: sinks, dsinks [heads].
void attention_sinks_backward(DeviceQueue& queue, const AttentionShape& shape, std::int64_t tokens,
                              const float* sinks, const float* out, const float* lse, const float* dout,
                              float* dsinks);

}  // namespace lq::backends::cuda
