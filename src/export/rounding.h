// What writing weights in a smaller type changes.
#pragma once

#include <cmath>
#include <string>

#include "base/parallel.h"
#include "tensor/tensor.h"

namespace lq {

struct Rounding {
  double squared_error = 0.0;
  double squared_norm = 0.0;

  void add(const Rounding& more) {
    squared_error += more.squared_error;
    squared_norm += more.squared_norm;
  }
  // Norm of the change over norm; 0 of nothing.
  double relative() const { return squared_norm > 0.0 ? std::sqrt(squared_error / squared_norm) : 0.0; }
};

// w (f32) as `dtype`; adds to `sum` what that changed. Throws Error(kUnsupported) naming the tensor where a
// weight is beyond the range of the type.
Tensor rounded_to(ThreadPool& pool, DType dtype, const Tensor& w, const std::string& name, Rounding& sum);

}  // namespace lq
