// Normalization over rows: by the root of the mean square (Zhang & Sennrich 2019), y = w * x * rstd with rstd
// = 1 / sqrt(mean(x^2) + eps); and by mean and deviation (Ba et al. 2016), y = w * (x - mean) * rstd + b with
// rstd = 1 / sqrt(mean((x - mean)^2) + eps).
#pragma once

#include <cstdint>

namespace lq::backends {

// x, y: [rows, cols]; w: [cols]; rstd: [rows], kept for backward. y may be x.
void rms_norm_forward(std::int64_t rows, std::int64_t cols, const float* x, const float* w, float eps,
                      float* y, float* rstd);

// dx += gradient; dw += gradient (null: not wanted), both from dy: [rows, cols].
void rms_norm_backward(std::int64_t rows, std::int64_t cols, const float* x, const float* w,
                       const float* rstd, const float* dy, float* dx, float* dw);

// x, y: [rows, cols]; w, b: [cols]; mean, rstd: [rows], kept for backward. y may be x.
void layer_norm_forward(std::int64_t rows, std::int64_t cols, const float* x, const float* w, const float* b,
                        float eps, float* y, float* mean, float* rstd);

// dx += , dw += , db += (null: neither is wanted).
void layer_norm_backward(std::int64_t rows, std::int64_t cols, const float* x, const float* w,
                         const float* mean, const float* rstd, const float* dy, float* dx, float* dw,
                         float* db);

}  // namespace lq::backends
