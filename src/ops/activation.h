// Nonlinear functions of feed-forward layers, plain and as a gate. Formulas: backends/activation.h.
#pragma once

#include "backends/activation.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

using backends::Activation;

// y = act(x), same shapes. y may be x.
void activation_forward(Context& ctx, Activation activation, ConstMatrix x, Matrix y);
// dx = dy * act'(x). dx may be x or dy.
void activation_backward(Context& ctx, Activation activation, ConstMatrix x, ConstMatrix dy, Matrix dx);

// out = act(gate) * up, all [tokens, inner]. out may be gate or up. SiLU goes to silu_mul.
void gate_forward(Context& ctx, Activation activation, ConstMatrix gate, ConstMatrix up, Matrix out);
// dgate = , dup = . dgate may be gate and dup may be up; dout is apart from both.
void gate_backward(Context& ctx, Activation activation, ConstMatrix gate, ConstMatrix up, ConstMatrix dout,
                   Matrix dgate, Matrix dup);

}  // namespace lq
