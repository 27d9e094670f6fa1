// The gate of a feed-forward layer that is cut off, as gpt-oss has it. Formula: backends/gate_clamp.h.
#pragma once

#include "backends/gate_clamp.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

using backends::GateClamp;

// All [tokens, inner]. out may be gate or up.
void clamped_gate_forward(Context& ctx, GateClamp clamp, ConstMatrix gate, ConstMatrix up, Matrix out);
// dgate = , dup = : 0 where gate or up was cut. dgate may be gate and dup may be up; dout is apart from both.
void clamped_gate_backward(Context& ctx, GateClamp clamp, ConstMatrix gate, ConstMatrix up, ConstMatrix dout,
                           Matrix dgate, Matrix dup);

}  // namespace lq
