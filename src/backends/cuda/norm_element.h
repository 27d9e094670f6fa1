// RMS norm as the threads of a warp share a row of it (norm.cu): each of kLanes lanes adds up every kLanes-th
// element, pairs of lanes are added in a butterfly, and every lane then writes its own elements.
#pragma once

#include <cmath>
#include <cstdint>

#include "backends/cuda/host_device.h"

namespace lq::backends::cuda {

// This lane's part of sum x^2.
LQ_HOST_DEVICE inline float squares_of_lane(std::int64_t cols, const float* x, int lane) {
  float sum = 0.0F;
  for (std::int64_t i = lane; i < cols; i += kLanes) sum += x[i] * x[i];
  return sum;
}

// This lane's part of sum dy w x.
LQ_HOST_DEVICE inline float products_of_lane(std::int64_t cols, const float* dy, const float* w,
                                             const float* x, int lane) {
  float sum = 0.0F;
  for (std::int64_t i = lane; i < cols; i += kLanes) sum += dy[i] * w[i] * x[i];
  return sum;
}

LQ_HOST_DEVICE inline float rstd_of(float squares, std::int64_t cols, float eps) {
  return 1.0F / std::sqrt(squares / static_cast<float>(cols) + eps);
}

// y = w * x * rstd for this lane's elements. y may be x.
LQ_HOST_DEVICE inline void normalize_lane(std::int64_t cols, const float* x, const float* w, float rstd,
                                          float* y, int lane) {
  for (std::int64_t i = lane; i < cols; i += kLanes) y[i] = x[i] * rstd * w[i];
}

// dx += rstd (dy w) - x rstd^3 products / cols for this lane's elements; products: of the whole row.
LQ_HOST_DEVICE inline void norm_gradient_of_lane(std::int64_t cols, const float* x, const float* w,
                                                 float rstd, float products, const float* dy, float* dx,
                                                 int lane) {
  const float along = -rstd * rstd * rstd * products / static_cast<float>(cols);
  for (std::int64_t i = lane; i < cols; i += kLanes) dx[i] += dy[i] * w[i] * rstd + x[i] * along;
}

// Threads that share a column's sum over rows.
inline constexpr int kRowShares = 8;

// This share's part of dw[col] = sum over rows of dy x rstd: rows share, share + kRowShares, ...
LQ_HOST_DEVICE inline float weight_gradient_share(std::int64_t rows, std::int64_t cols, const float* x,
                                                  const float* rstd, const float* dy, std::int64_t col,
                                                  int share) {
  float sum = 0.0F;
  for (std::int64_t r = share; r < rows; r += kRowShares) {
    sum += dy[r * cols + col] * (x[r * cols + col] * rstd[r]);
  }
  return sum;
}

// dw[col] += the shares, in their order.
LQ_HOST_DEVICE inline void add_weight_gradient(const float* shares, std::int64_t stride, std::int64_t col,
                                               float* dw) {
  float sum = shares[0];
  for (int s = 1; s < kRowShares; ++s) sum += shares[s * stride];
  dw[col] += sum;
}

}  // namespace lq::backends::cuda
