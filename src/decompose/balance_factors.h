// Low-rank factors of like size, for the optimizer that goes on from them.
#pragma once

#include "tensor/tensor.h"

namespace lq {

// Multiplies column k of l1 ([rows, rank] f32) by a power of two and row k of l2 ([rank, cols] f32) by its
// inverse so that their norms are alike, within a factor of 2. Every product l1[i, k] l2[k, j] keeps
// its bits (while nothing leaves the range of f32), so L1 L2 is what it was.
//
// Why: a weighted SVD gives L1 = S_row^-1 U sqrt(S), L2 = sqrt(S) V^T S_col^-1, and activations are of order
// 1 where gradients are tiny: B became 500 times as large as A. Adam moves every number by about its learning
// rate, whatever its size, so that the first steps moved B A by more than it was.
void balance_factors(Tensor& l1, Tensor& l2);

}  // namespace lq
