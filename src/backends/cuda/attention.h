// Attention on a CUDA device; contracts as in ops/attention.h. Segments are the host's, all else is memory of
// the queue's device; the work is queued. The same bits in every run. Builds without CUDA have the same
// symbols (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>
#include <string>

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
  // Long segments are computed by cuDNN (bf16) or in blocks whose operands may be rounded so; short ones in
  // f32.
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
// What computes attention in bf16: "cuDNN 9.10.2", or "own kernels" where that is not there or has given
// other results than they in a small case. The first call takes seconds: cuDNN compiles.
std::string attention_library(DeviceQueue& queue);
// A line about attention that is worth a note, once; mostly empty.
std::string take_attention_note(DeviceQueue& queue);

}  // namespace lq::backends::cuda
