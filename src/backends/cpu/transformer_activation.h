// Activations, gates and soft caps over f32 vectors. Formulas: backends/activation.h.
#pragma once

#include <cstdint>

#include "backends/activation.h"

namespace lq::backends {

// y = act(x). y may be x.
void activation_forward(Activation activation, std::int64_t n, const float* x, float* y);
// dx = dy * act'(x). dx may be x or dy.
void activation_backward(Activation activation, std::int64_t n, const float* x, const float* dy, float* dx);

// out = act(gate) * up. out may be gate or up.
void gate_forward(Activation activation, std::int64_t n, const float* gate, const float* up, float* out);
// dgate = , dup = . dgate may be gate and dup may be up (they are read first), neither may be dout.
void gate_backward(Activation activation, std::int64_t n, const float* gate, const float* up,
                   const float* dout, float* dgate, float* dup);

// x = cap * tanh(x / cap).
void soft_cap_forward(std::int64_t n, float cap, float* x);
// dx *= 1 - (capped / cap)^2, with capped as forward left it.
void soft_cap_backward(std::int64_t n, float cap, const float* capped, float* dx);

}  // namespace lq::backends
