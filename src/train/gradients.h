// All gradients of a step as one vector.
#pragma once

#include <string>
#include <vector>

#include "nn/parameter.h"
#include "tensor/context.h"

namespace lq {

// Euclidean norm over all of them, summed in double in a fixed order: the same bits on any number of threads.
// Not finite where one of them is not.
double gradient_norm(Context& ctx, const std::vector<Parameter*>& parameters);

// What gradients are multiplied by so that their norm is at most `most` (as torch.nn.utils.clip_grad_norm_);
// most <= 0: never clipped.
double clip_factor(double norm, double most);

// Names of the parameters with a gradient that is not finite.
std::vector<std::string> not_finite_gradients(Context& ctx, const std::vector<Parameter*>& parameters);

}  // namespace lq
