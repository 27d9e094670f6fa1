// Tiles of the sums that calibration gathers: products in f32, where a matrix product is fast, added up in
// double. Each call is one job of ops/symmetric_sum.h or ops/fisher_sum.h, in this thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/parallel.h"

namespace lq::backends::cpu {

// A matrix [rows, stride], of which the columns [begin, begin + width) count.
struct ColumnRange {
  const float* data = nullptr;
  std::int64_t stride = 0;
  std::int64_t begin = 0;
  std::int64_t width = 0;
};

// sums[i, j] += sum_t a[t, i] b[t, j].   sums: [a.width, b.width], `stride` doubles between rows.
void add_products(ThreadPool& pool, std::int64_t rows, const ColumnRange& a, const ColumnRange& b,
                  double* sums, std::int64_t stride);

// out[t, j] = |g_t| x[t, j], |g_t| the Euclidean norm of row t of g.   x, out: [rows, cols]; g: [rows,
// g_cols].
void scale_by_norms(std::int64_t rows, std::int64_t cols, const float* x, std::int64_t g_cols, const float* g,
                    float* out);

// The sum of the diagonal's elements [begin, begin + height) of a lower triangle of sums, of which row
// `begin` is the first, `stride` doubles between rows.
double diagonal_sum(std::int64_t begin, std::int64_t height, std::int64_t stride, const double* sums);

// For rows [begin, begin + height) of a lower triangle of sums, `stride` doubles between them: out[n, n] =
// factor * sum, both triangles.
void write_symmetric(std::int64_t n, std::int64_t begin, std::int64_t height, std::int64_t stride,
                     double factor, const double* sums, float* out);

// For each sequence s, rows [starts[s], starts[s + 1]): g = dy^T x; row_sums[i] += sum_j g[i, j]^2,
// col_sums[j] += sum_i g[i, j]^2 and, unless null, all[i, j] += g[i, j]^2 (`all_stride` doubles between
// rows).
void add_squared_products(ThreadPool& pool, std::span<const std::int64_t> starts, const ColumnRange& dy,
                          const ColumnRange& x, double* row_sums, double* col_sums, double* all,
                          std::int64_t all_stride);

// out[i] = sum over parts p, in order, of from[p, i].   from: [parts, count].
std::vector<double> sum_of_parts(std::int64_t parts, std::int64_t count, const double* from);

// out[i] = factor * sums[i] as f32.
void scaled_to_f32(std::int64_t count, double factor, const double* sums, float* out);

}  // namespace lq::backends::cpu
