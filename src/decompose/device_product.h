// Products of dense matrices on a CUDA device, as decomposition wants them.
#pragma once

#include <cstdint>

#include "backends/cuda/product.h"

namespace lq {

// A row-major matrix of the device, or a part of one; `ld` elements from row to row.
struct DevicePart {
  const float* data = nullptr;
  std::int64_t ld = 0;
};

// c[m, n] = a[m, k] b[k, n] in f32, until the caller says otherwise: transposed, alpha, beta, precision. For
// backends::cuda::multiply.
inline backends::cuda::Product dense_product(std::int64_t m, std::int64_t n, std::int64_t k, DevicePart a,
                                             DevicePart b, float* c, std::int64_t ldc) {
  backends::cuda::Product product;
  product.m = m;
  product.n = n;
  product.k = k;
  product.a = a.data;
  product.lda = a.ld;
  product.b.layout = backends::PackedLayout::kDense;
  product.b.dense = {.data = b.data, .type = backends::DenseType::kF32};
  product.ldb = b.ld;
  product.c = c;
  product.ldc = ldc;
  return product;
}

}  // namespace lq
