// Products by the weights of several linear layers of one input, with their low-rank parts:
//   y_i = x W_i^T + sum over its parts of scaling (x A^T) B^T.
// In bf16 on a CUDA device packed weights are decoded one below the other and the low-rank parts go along in
// the same products (backends/cuda/folded.h); elsewhere, and with other weights, product by product.
//
// A device is right when it is within the bound of sums in any order, with each factor, u = x A^T and du = dy
// B rounded to bf16 (2^-8 of themselves) once.
#pragma once

#include <span>
#include <vector>

#include "backends/packed_view.h"
#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/workspace.h"

namespace lq {

struct LowRankPart {
  ConstMatrix a;  // [rank, in]
  ConstMatrix b;  // [out, rank]
  float scaling = 1.0F;
  // It sees another input than x (dropout): forward is given u, what that input makes with A^T, [n, rank];
  // backward leaves the part to the caller.
  bool apart = false;
  ConstMatrix u = {};
  // Gradients, += in backward; without data: not wanted.
  Matrix da = {};
  Matrix db = {};
};

struct FoldedWeight {
  backends::PackedView w;  // [out, in]
  std::vector<LowRankPart> parts = {};
};

// Whether these ops may go another way than product by product: many rows, in bf16, on a device that folds.
// Cheap.
bool takes_folded(const Context& ctx, ConstMatrix x);

// y_i = .   x: [n, in]; y[i]: [n, out_i], apart. In the context's MatmulPrecision.
void folded_forward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const FoldedWeight> weights,
                    std::span<const Matrix> y);
// dx = or +=, from all dy (no data: not wanted); da, db += .   dy[i]: [n, out_i]. x as in forward.
void folded_backward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const FoldedWeight> weights,
                     std::span<const ConstMatrix> dy, Matrix dx, bool accumulate);

}  // namespace lq
