// Loss of numbers that are predicted as they are.
#pragma once

#include <span>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// losses[i] = (predicted[i] - targets[i])^2.   predicted: [n, 1].
void squared_error_forward(Context& ctx, ConstMatrix predicted, std::span<const float> targets,
                           std::span<float> losses);

// The same, and predicted = scale * d(sum of losses)/dpredicted = 2 scale (predicted - targets) in place.
void squared_error_forward_backward(Context& ctx, Matrix predicted, std::span<const float> targets,
                                    float scale, std::span<float> losses);

}  // namespace lq
