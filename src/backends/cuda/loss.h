// Losses on a CUDA device. targets, losses and out are the host's; logits are memory of the queue's device.
// Each waits until its numbers are there; as outputs of repeated work (repeat.h) they are there at its end.
// Builds without CUDA have the same symbols (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lq::backends::cuda {

// losses[t] = logsumexp(logits[t]) - logits[t, targets[t]], 0 where the target is negative.
// logits: [rows, cols].
void cross_entropy_forward(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* logits,
                           const std::int32_t* targets, float* losses);
// The same, and logits = scale * d(sum of losses)/dlogits in place.
void cross_entropy_forward_backward(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, float* logits,
                                    const std::int32_t* targets, float scale, float* losses);
// out[t] = KL(softmax(p[t]) || softmax(q[t])).
void kl_divergence(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* p, const float* q,
                   float* out);
// losses[t] = the same, and q = scale * d(sum of losses)/dq in place; both 0 where the target is negative.
void kl_divergence_backward(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* p,
                            float* q, const std::int32_t* targets, float scale, float* losses);

}  // namespace lq::backends::cuda
