// A Cholesky factor on a CUDA device (linalg/lower_factor.h): products with it and its inverse.
#pragma once

#include <cstdint>

#include "linalg/lower_factor.h"
#include "tensor/context.h"
#include "tensor/tensor.h"

namespace lq {

// All pointers are memory of the context's device; the work is queued. The context outlives it.
class DeviceFactor {
 public:
  DeviceFactor(Context& context, const LowerFactor& factor);

  // out[m, n] = a[m, n] S. out != a. Everything in f32: TF32 lost a thousandth of what factors leave in the
  // norms of correlated inputs.
  void multiply_right(std::int64_t m, const float* a, float* out) const;
  // out[n, m] = S^T a[n, m]. out != a.
  void multiply_transposed_left(std::int64_t m, const float* a, float* out) const;
  // x[m, n] becomes x S^-1. solved: room for x.
  void solve_right(std::int64_t m, float* x, float* solved) const;
  // x[n, m] becomes S^-T x. solved: room for x.
  void solve_transposed_left(std::int64_t m, float* x, float* solved) const;

  // [n, n] f32, row-major, zeros above the diagonal.
  const float* values() const { return s_.data<float>(); }

  // Of the device.
  static std::int64_t bytes(std::int64_t n);

 private:
  Context& context_;
  std::int64_t n_;
  Tensor s_;
  Tensor inverses_;
};

}  // namespace lq
