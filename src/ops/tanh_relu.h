// Activations of heads, in place.
#pragma once

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// x = tanh(x).
void tanh_forward(Context& ctx, Vector x);
// dy *= 1 - y^2, which makes it dx.   y: what forward made.
void tanh_backward(Context& ctx, ConstVector y, Vector dy);

// x = max(x, 0).
void relu_forward(Context& ctx, Vector x);
// dy = 0 where y is 0, which makes it dx.
void relu_backward(Context& ctx, ConstVector y, Vector dy);

}  // namespace lq
