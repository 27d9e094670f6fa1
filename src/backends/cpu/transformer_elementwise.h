// Elementwise loops of a transformer block, f32.
#pragma once

#include <cstdint>

namespace lq::backends {

// y[i] += x[i].
void add_to(std::int64_t n, const float* x, float* y);
// y[i] = a * y[i].
void scale_by(std::int64_t n, float a, float* y);

// SwiGLU's gate (Shazeer 2020): out = silu(gate) * up, silu(v) = v / (1 + exp(-v)). out may be gate or up.
void silu_mul_forward(std::int64_t n, const float* gate, const float* up, float* out);
// dgate = , dup = . dgate may be gate and dup may be up (they are read first), neither may be dout.
void silu_mul_backward(std::int64_t n, const float* gate, const float* up, const float* dout, float* dgate,
                       float* dup);

// Rotates the first 2 * half dimensions of each head by the token's angles, its two halves against each
// other: with c = cos[t], s = sin[t],
//   forward:                                (a, b) -> (a c - b s, b c + a s)
//   inverse (its transpose, for gradients): (a, b) -> (a c + b s, b c - a s)
// x: [tokens, heads, head_dim] in place, `stride` floats between tokens; cos, sin: [tokens, half]. REQUIRES:
// 2 * half <= head_dim.
void rope_rotate(std::int64_t tokens, std::int64_t heads, std::int64_t head_dim, std::int64_t half,
                 const float* cos, const float* sin, bool inverse, float* x, std::int64_t stride);

// out[i] = x[i] from bf16 or IEEE half bits, of any alignment.
void widen_bf16(std::int64_t n, const void* x, float* out);
void widen_f16(std::int64_t n, const void* x, float* out);

}  // namespace lq::backends
