// The sums that calibration gathers, as CUDA threads share them (moments.cu): products come in f32, sums are
// doubles in the layouts of ops/symmetric_sum.h and ops/fisher_sum.h.
#pragma once

#include <cmath>
#include <cstdint>

#include "backends/cuda/host_device.h"

namespace lq::backends::cuda {

inline constexpr int kMomentThreads = 256;  // that share a row, and are added as a tree
inline constexpr int kMomentShares = 8;     // threads that share a column, and are added in order

// Where element (row, col), col <= row or in the row's strip, lies in the lower triangle of an n x n sum that
// is kept in strips of `tile` rows, each as wide as its last row is long; -1 beyond the strip.
LQ_HOST_DEVICE inline std::int64_t triangle_place(std::int64_t n, std::int64_t tile, std::int64_t row,
                                                  std::int64_t col) {
  const std::int64_t strip = row / tile;
  const std::int64_t begin = strip * tile;
  const std::int64_t width = begin + tile < n ? begin + tile : n;
  if (col >= width) return -1;
  return tile * tile * (strip * (strip + 1) / 2) + (row - begin) * width + col;
}

// A thread an element of a product [rows, width]: rows `first` and on of the sum, columns from the first.
struct AddTriangle {
  std::int64_t n, tile, first, width;
  const float* product;
  double* sums;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t at = triangle_place(n, tile, first + i / width, i % width);
    if (at >= 0) sums[at] += static_cast<double>(product[i]);
  }
};

// all[i] += g[i]^2.
struct AddSquares {
  const float* g;
  double* all;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    all[i] += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  }
};

// The thread's part of the squares of a row.
LQ_HOST_DEVICE inline double row_squares_of_thread(std::int64_t cols, const float* row, int thread) {
  double sum = 0.0;
  for (std::int64_t j = thread; j < cols; j += kMomentThreads)
    sum += static_cast<double>(row[j]) * static_cast<double>(row[j]);
  return sum;
}

// The share's part of the squares of a column: rows share, share + kMomentShares, ...
LQ_HOST_DEVICE inline double column_squares_share(std::int64_t rows, std::int64_t cols, const float* g,
                                                  std::int64_t col, int share) {
  double sum = 0.0;
  for (std::int64_t r = share; r < rows; r += kMomentShares)
    sum += static_cast<double>(g[r * cols + col]) * static_cast<double>(g[r * cols + col]);
  return sum;
}

// The thread's part of out = |g row| x row, once the squares of g's row are known.
LQ_HOST_DEVICE inline void scale_by_norm_of_thread(std::int64_t cols, const float* x, double squares,
                                                   int thread, float* out) {
  const auto norm = static_cast<float>(std::sqrt(squares));
  for (std::int64_t j = thread; j < cols; j += kMomentThreads) out[j] = norm * x[j];
}

}  // namespace lq::backends::cuda
