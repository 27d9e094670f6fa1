// Root-mean-square normalization over rows (Zhang & Sennrich 2019): y = w * x * rstd, rstd = 1 /
// sqrt(mean(x^2) + eps).
#pragma once

#include <cstdint>

namespace lq::backends {

// x, y: [rows, cols]; w: [cols]; rstd: [rows], kept for backward. y may be x.
void rms_norm_forward(std::int64_t rows, std::int64_t cols, const float* x, const float* w, float eps,
                      float* y, float* rstd);

// dx += gradient; dw += gradient (null: not wanted), both from dy: [rows, cols].
void rms_norm_backward(std::int64_t rows, std::int64_t cols, const float* x, const float* w,
                       const float* rstd, const float* dy, float* dx, float* dw);

}  // namespace lq::backends
