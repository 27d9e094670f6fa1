// The sums that calibration gathers, on a CUDA device. All pointers are memory of the queue's device; the
// work is queued, and gives the same bits in every run. Builds without CUDA have the same symbols
// (backends/no_cuda).
#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lq::backends::cuda {

// sums += rows [first, first + rows) of a symmetric n x n product, of which `product` has the first `width`
// columns, as many as the last of these rows' strip has. sums: a lower triangle in strips of `tile` rows
// (moment_element.h). REQUIRES: first and, but for the last part, rows are multiples of tile.
void add_triangle(DeviceQueue& queue, std::int64_t n, std::int64_t tile, std::int64_t first,
                  std::int64_t rows, std::int64_t width, const float* product, double* sums);

// row_sums[i] += sum_j g[i, j]^2, col_sums[j] += sum_i g[i, j]^2 and, unless null, all[i, j] += g[i, j]^2.
// g: [rows, cols].
void add_squared(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* g, double* row_sums,
                 double* col_sums, double* all);

// out[t, j] = |g_t| x[t, j], |g_t| the Euclidean norm of row t of g.   x, out: [rows, cols]; g: [rows,
// g_cols].
void scale_by_norms(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* x,
                    std::int64_t g_cols, const float* g, float* out);

}  // namespace lq::backends::cuda
