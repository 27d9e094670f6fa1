// Rotary positions on the processor; contracts as in ops/rope.h.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

// cos, sin: [positions, inv_freq], of the angle position * inv_freq rounded to f32, times the factor.
void rope_table(Context& ctx, std::span<const std::int32_t> positions, std::span<const float> inv_freq,
                float attention_factor, std::span<float> cos, std::span<float> sin);

// x: [tokens, heads * head_dim] in place, of each head the first 2 * half; cos, sin: [tokens, half]. inverse:
// the transpose.
void rope_rotate(Context& ctx, const float* cos, const float* sin, std::int64_t half, std::int64_t heads,
                 bool inverse, Matrix x);

}  // namespace lq::backends::cpu
