// Activations, gates and soft caps on the processor, shared among threads; contracts as in ops/activation.h
// and ops/soft_cap.h.
#pragma once

#include "backends/activation.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void activation_forward(Context& ctx, Activation activation, ConstMatrix x, Matrix y);
void activation_backward(Context& ctx, Activation activation, ConstMatrix x, ConstMatrix dy, Matrix dx);
void gate_forward(Context& ctx, Activation activation, ConstMatrix gate, ConstMatrix up, Matrix out);
void gate_backward(Context& ctx, Activation activation, ConstMatrix gate, ConstMatrix up, ConstMatrix dout,
                   Matrix dgate, Matrix dup);
void soft_cap_forward(Context& ctx, float cap, Matrix x);
void soft_cap_backward(Context& ctx, float cap, ConstMatrix capped, Matrix dx);

}  // namespace lq::backends::cpu
