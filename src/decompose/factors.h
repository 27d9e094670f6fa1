// A product of two thin matrices: the low-rank part of a decomposition, in plain or in weighted coordinates.
#pragma once

#include <cstdint>

#include "tensor/context.h"
#include "tensor/tensor.h"

namespace lq {

// l1 l2. rank 0: zero, and both are empty.
struct Factors {
  std::int64_t rank = 0;
  Tensor l1;  // [rows, rank] f32
  Tensor l2;  // [rank, cols] f32, on the same device
};

// On the device that they lie on, which is the processor or the context's.
Factors copy_of(Context& context, const Factors& factors);
// Wherever they lie, on the processor.
Factors on_processor(Context& context, const Factors& factors);
// Of the processor's, where the context computes.
Factors on_device(Context& context, Factors factors);
// Of the processor's, to the nearest values of `type`. Throws Error(kInternal) for factors that lie
// elsewhere.
void round_factors(Factors& factors, DType type);

}  // namespace lq
