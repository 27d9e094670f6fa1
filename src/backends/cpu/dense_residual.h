// What is left of a matrix after quantizing, and its size, in one pass.
#pragma once

#include <cstdint>

#include "base/parallel.h"

namespace lq::backends {

struct ResidualNorms {
  double squared = 0.0;   // sum of (w - q)^2
  double weighted = 0.0;  // sum of (row_scale[i] col_scale[j] (w - q))^2
};

// out[i, j] = row_scale[i] * col_scale[j] * (w[i, j] - q[i, j]); scales may be null: ones. out may be q, or
// null for the norms alone. q may be null: zero. Sums in f32 over at most 1,024 elements, then in double, in
// a fixed order.
ResidualNorms residual(ThreadPool& pool, std::int64_t rows, std::int64_t cols, const float* w, const float* q,
                       const float* row_scale, const float* col_scale, float* out);

}  // namespace lq::backends
