// Elementwise ops on a CUDA device. All pointers are memory of the queue's device; the work is queued. Builds
// without CUDA have the same symbols (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lq::backends::cuda {

// out = silu(gate) * up. out may be gate or up.
void silu_mul_forward(DeviceQueue& queue, std::int64_t n, const float* gate, const float* up, float* out);
// dgate = , dup = . dgate may be gate and dup may be up; neither may be dout.
void silu_mul_backward(DeviceQueue& queue, std::int64_t n, const float* gate, const float* up,
                       const float* dout, float* dgate, float* dup);

}  // namespace lq::backends::cuda
