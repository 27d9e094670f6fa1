// Norms over rows on the processor; contracts as in ops/rms_norm.h.
#pragma once

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void rms_norm_forward(Context& ctx, ConstMatrix x, ConstVector w, float eps, Matrix y, Vector rstd);
void rms_norm_backward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector rstd, ConstMatrix dy,
                       Matrix dx, Vector dw);

}  // namespace lq::backends::cpu
