// RMS norm on a CUDA device. All pointers are memory of the queue's device; the work is queued. Builds
// without CUDA have the same symbols (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lq::backends::cuda {

// y = w * x * rstd, rstd = 1 / sqrt(mean(x^2) + eps).   x, y: [rows, cols]; w: [cols]; rstd: [rows]. y may be
// x.
void rms_norm_forward(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* x,
                      const float* w, float eps, float* y, float* rstd);

// dx += , dw += (null: not wanted).   dy, dx: [rows, cols]; dw: [cols]. The same bits in every run.
void rms_norm_backward(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* x,
                       const float* w, const float* rstd, const float* dy, float* dx, float* dw);

}  // namespace lq::backends::cuda
