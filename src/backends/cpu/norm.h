// Norms over rows on the processor; contracts as in ops/rms_norm.h and ops/layer_norm.h.
#pragma once

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void rms_norm_forward(Context& ctx, ConstMatrix x, ConstVector w, float eps, Matrix y, Vector rstd);
void rms_norm_backward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector rstd, ConstMatrix dy,
                       Matrix dx, Vector dw);

void layer_norm_forward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector b, float eps, Matrix y,
                        Vector mean, Vector rstd);
void layer_norm_backward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector mean, ConstVector rstd,
                         ConstMatrix dy, Matrix dx, Vector dw, Vector db);

}  // namespace lq::backends::cpu
