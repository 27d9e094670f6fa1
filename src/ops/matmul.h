// Matrix products with shapes checked. The same bits on any number of threads.
#pragma once

#include "backends/cpu/gemm.h"
#include "backends/cuda/product_tile.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

struct MatmulOptions {
  float alpha = 1.0F;
  bool accumulate = false;  // c += instead of c =
  bool linear = false;      // part of a linear layer: in the context's MatmulPrecision, else in f32
};

// What the context's MatmulPrecision asks of products in linear layers.
// Throws Error(kUnsupported) for those of CUDA devices only.
backends::GemmPrecision linear_precision(const Context& ctx);
// The same on a CUDA device. Throws Error(kUnsupported) for kI16.
backends::cuda::Precision cuda_precision(const Context& ctx);

// c = alpha * a b;     a: [m, k], b: [k, n], c: [m, n]
void matmul(Context& ctx, ConstMatrix a, ConstMatrix b, Matrix c, const MatmulOptions& options = {});
// c = alpha * a b^T;   a: [m, k], b: [n, k], c: [m, n]
void matmul_nt(Context& ctx, ConstMatrix a, ConstMatrix b, Matrix c, const MatmulOptions& options = {});
// c = alpha * a^T b;   a: [k, m], b: [k, n], c: [m, n]
void matmul_tn(Context& ctx, ConstMatrix a, ConstMatrix b, Matrix c, const MatmulOptions& options = {});

}  // namespace lq
