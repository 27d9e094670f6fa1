// Orthonormal bases of tall, thin matrices.
#pragma once

#include <cstdint>
#include <vector>

#include "base/parallel.h"

namespace lq {

// y: [m, k], k <= m, becomes a matrix with orthonormal columns (to f32 rounding) whose span holds that of y's
// columns. CholeskyQR2 (Yamamoto et al., 2015): two rounds of Gram matrix, Cholesky and product, so that GEMM
// does the work; Householder reflections where y is too ill-conditioned for that, rank-deficient or zero.
// work: scratch. REQUIRES: y finite. The same bits on any number of threads.
void orthonormalize(ThreadPool& pool, std::int64_t m, std::int64_t k, std::vector<float>& y,
                    std::vector<float>& work);

}  // namespace lq
