// y = w * x / sqrt(mean(x^2) + eps), row by row (Zhang & Sennrich 2019, as Hugging Face's LlamaRMSNorm
// computes it).
#pragma once

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// x, y: [tokens, dim]; w: [dim]; rstd: [tokens], kept for backward. y may be x.
void rms_norm_forward(Context& ctx, ConstMatrix x, ConstVector w, float eps, Matrix y, Vector rstd);

// dx += , dw += (empty: not wanted). x and rstd as in forward.
void rms_norm_backward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector rstd, ConstMatrix dy,
                       Matrix dx, Vector dw);

}  // namespace lq
