// y = w * (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) + b, row by row (Ba et al. 2016).
#pragma once

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// x, y: [tokens, dim]; w, b: [dim]; mean, rstd: [tokens], kept for backward. y may be x.
void layer_norm_forward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector b, float eps, Matrix y,
                        Vector mean, Vector rstd);

// dx += , dw += , db += (both empty: not wanted). x, mean and rstd as in forward.
void layer_norm_backward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector mean, ConstVector rstd,
                         ConstMatrix dy, Matrix dx, Vector dw, Vector db);

}  // namespace lq
