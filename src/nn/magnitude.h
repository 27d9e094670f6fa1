// Lengths of their own for a weight with a low-rank part beside it (DoRA, Liu et al. 2024): the outputs of
// weight and low-rank part together are multiplied by m / ||W + scaling B A||, one factor an output.
// As in the paper (section 4.3) and in PEFT the length below the line counts as a constant in backward.
#pragma once

#include "base/parallel.h"
#include "nn/parameter.h"
#include "tensor/tensor.h"

namespace lq {

struct Magnitude {
  Parameter m;     // [out]
  Tensor lengths;  // [out]: of W + scaling B A, as they were at the last set_lengths
  Tensor factors;  // [out]: m / lengths

  // Of now: factors follow m and the new lengths. Where m has no values yet, it becomes the lengths, and
  // nothing changes. values: [out].
  void set_lengths(ThreadPool& pool, Tensor values);
};

}  // namespace lq
