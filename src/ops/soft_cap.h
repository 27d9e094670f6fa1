// x = cap * tanh(x / cap): values kept within (-cap, cap), hardly changed where they are small (Gemma 2).
#pragma once

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// In place. REQUIRES: cap > 0.
void soft_cap_forward(Context& ctx, float cap, Matrix x);
// dx *= 1 - (capped / cap)^2, with capped as forward left it.
void soft_cap_backward(Context& ctx, float cap, ConstMatrix capped, Matrix dx);

}  // namespace lq
