// Orthonormal bases of tall, thin matrices.
//
// CholeskyQR2 (Yamamoto et al., 2015): two rounds of Gram matrix, Cholesky and product. What of a round is
// small is here for who keeps y elsewhere.
#pragma once

#include <cstdint>
#include <vector>

#include "base/parallel.h"

namespace lq {

// y: [m, k], k <= m, becomes a matrix with orthonormal columns (to f32 rounding) whose span holds that of y's
// columns: by CholeskyQR2, so that GEMM does the work; by Householder reflections where y is too
// ill-conditioned for that, rank-deficient or zero.
// work: scratch. REQUIRES: y finite. The same bits on any number of threads.
void orthonormalize(ThreadPool& pool, std::int64_t m, std::int64_t k, std::vector<float>& y,
                    std::vector<float>& work);

// The upper triangular matrix [k, k] that a round multiplies y by, from gram [k, k] = y^T y, which is used
// up; empty unless that is safely positive definite.
std::vector<float> cholesky_divisor(std::int64_t k, std::vector<double>& gram);
// Whether the second round may follow on the first: gram, of y after it, is near I.
bool nearly_orthonormal(std::int64_t k, const std::vector<double>& gram);

}  // namespace lq
