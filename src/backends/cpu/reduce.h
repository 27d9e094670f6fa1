// Sums over all numbers on the processor, in double and in a fixed order; contracts as in ops/reduce.h.
#pragma once

#include <span>

#include "tensor/context.h"
#include "tensor/device_span.h"

namespace lq::backends::cpu {

double squared_norm(Context& ctx, ConstVector x);
void squared_norms(Context& ctx, std::span<const ConstVector> vectors, std::span<double> sums);
bool all_finite(Context& ctx, ConstVector x);

}  // namespace lq::backends::cpu
