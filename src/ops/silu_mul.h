// The gate of a SwiGLU feed-forward layer (Shazeer 2020): out = silu(gate) * up, silu(v) = v / (1 + exp(-v)).
#pragma once

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// All [tokens, hidden]. out may be gate or up.
void silu_mul_forward(Context& ctx, ConstMatrix gate, ConstMatrix up, Matrix out);
// dgate = , dup = . dgate may be gate and dup may be up; dout is apart from both.
void silu_mul_backward(Context& ctx, ConstMatrix gate, ConstMatrix up, ConstMatrix dout, Matrix dgate,
                       Matrix dup);

}  // namespace lq
