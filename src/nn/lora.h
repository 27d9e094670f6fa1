// The low-rank part beside a linear layer's weight (Hu et al. 2021): adds scaling * (x A^T) B^T. With a
// magnitude (DoRA) it and the weight together have lengths of their own.
#pragma once

#include <memory>

#include "nn/magnitude.h"
#include "nn/parameter.h"
#include "nn/rounded_weight.h"

namespace lq {

struct Lora {
  Parameter a;           // [rank, in]
  Parameter b;           // [out, rank]
  float scaling = 1.0F;  // alpha / rank, or alpha / sqrt(rank)
  // a and b for a single vector beside a packed weight, which reads no more of them than of itself.
  RoundedWeight a_rounded{a};
  RoundedWeight b_rounded{b};
  std::unique_ptr<Magnitude> magnitude = {};  // null: none

  std::int64_t rank() const { return a.value.dim(0); }
};

}  // namespace lq
