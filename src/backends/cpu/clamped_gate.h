// The clamped gate on the processor; contracts as in ops/clamped_gate.h.
#pragma once

#include "backends/gate_clamp.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void clamped_gate_forward(Context& ctx, GateClamp clamp, ConstMatrix gate, ConstMatrix up, Matrix out);
void clamped_gate_backward(Context& ctx, GateClamp clamp, ConstMatrix gate, ConstMatrix up, ConstMatrix dout,
                           Matrix dgate, Matrix dup);

}  // namespace lq::backends::cpu
