// Products of a large stored matrix with a few vectors: bound by the memory that the matrix is read from.
#pragma once

#include <cstdint>

#include "backends/packed_view.h"
#include "base/parallel.h"

namespace lq::backends {

inline constexpr std::int64_t kGemvVectors = 4;

// y[j, i] = sum_k w[i, k] x[j, k] in f32.   w: [rows, cols] of `type`, of any alignment; x: [count, cols]; y:
// [count, rows]. REQUIRES: count <= kGemvVectors. The same bits on any number of threads.
void dense_gemv(ThreadPool& pool, DenseType type, const void* w, std::int64_t rows, std::int64_t cols,
                const float* x, std::int64_t count, float* y);

}  // namespace lq::backends
