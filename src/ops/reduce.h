// Ops that look at every number and return one to the host.
#pragma once

#include <span>

#include "tensor/context.h"
#include "tensor/device_span.h"

namespace lq {

// Sum of squares, in double and in a fixed order: the same bits on any number of threads. Not finite where a
// number is not.
double squared_norm(Context& ctx, ConstVector x);
// sums[i] = that of vectors[i], all on one device, which is asked once.
void squared_norms(Context& ctx, std::span<const ConstVector> vectors, std::span<double> sums);

// Whether no number is a NaN or an infinity.
bool all_finite(Context& ctx, ConstVector x);

}  // namespace lq
