// One number at a time on the processor, shared among threads; contracts as in the ops of the same names.
#pragma once

#include "backends/dropout_mask.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void silu_mul_forward(Context& ctx, ConstMatrix gate, ConstMatrix up, Matrix out);
void silu_mul_backward(Context& ctx, ConstMatrix gate, ConstMatrix up, ConstMatrix dout, Matrix dgate,
                       Matrix dup);

void fill(Context& ctx, Vector x, float value);
void add(Context& ctx, ConstVector x, Vector y);                 // y += x
void scale(Context& ctx, float factor, Vector x);                // x *= factor
void add_bias(Context& ctx, ConstVector bias, Matrix y);         // every row += bias
void add_column_sums(Context& ctx, ConstMatrix x, Vector sums);  // sums += , rows in order

void dropout(Context& ctx, const DropoutMask& mask, ConstMatrix x, Matrix y);

}  // namespace lq::backends::cpu
