// What small heads over whole sequences need on the processor; contracts as in the ops of the same names.
#pragma once

#include <span>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void tanh_forward(Context& ctx, Vector x);
void tanh_backward(Context& ctx, ConstVector y, Vector dy);
void relu_forward(Context& ctx, Vector x);
void relu_backward(Context& ctx, ConstVector y, Vector dy);
void squared_error(std::span<const float> predicted, std::span<const float> targets, std::span<float> losses);
void squared_error_backward(std::span<float> predicted, std::span<const float> targets, float scale);

}  // namespace lq::backends::cpu
