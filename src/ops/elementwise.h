// Ops that touch each number once.
#pragma once

#include "backends/dropout_mask.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// x[i] = value.
void fill(Context& ctx, Vector x, float value);
inline void fill(Context& ctx, Matrix x, float value) { fill(ctx, x.flat(), value); }

// x[i] *= factor.
void scale(Context& ctx, float factor, Vector x);
inline void scale(Context& ctx, float factor, Matrix x) { scale(ctx, factor, x.flat()); }

// y += x, same shapes.
void add_forward(Context& ctx, ConstMatrix x, Matrix y);

// y[i, j] += bias[j].    bias: [cols].
void bias_forward(Context& ctx, ConstVector bias, Matrix y);
// dbias[j] += sum_i dy[i, j], rows in order.
void bias_backward(Context& ctx, ConstMatrix dy, Vector dbias);

using backends::DropoutMask;
// The mask that drops each element with probability `rate`, to 1/65536, and grows the others by
// 1 / (1 - rate). Throws Error(kInvalidArgument) unless 0 <= rate < 1.
DropoutMask dropout_mask(float rate, std::uint64_t seed, std::uint64_t stream);
// y = mask * x; its own transpose, so backward is forward on gradients. Same shapes; y may be x.
void dropout_forward(Context& ctx, const DropoutMask& mask, ConstMatrix x, Matrix y);
// The same by the mask of one draw of those that share a seed and a stream (backends/dropout_mask.h). draw:
// an input where this is a part of repeated work (ops/repeat.h).
void dropout_forward(Context& ctx, const DropoutMask& all, const std::uint64_t& draw, ConstMatrix x,
                     Matrix y);

}  // namespace lq
