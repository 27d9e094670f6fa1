#include "ops/matmul.h"

#include "backends/cuda/product.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

void run(Context& ctx, std::int64_t m, std::int64_t n, std::int64_t k, ConstMatrix a, ConstMatrix b, Matrix c,
         bool ta, bool tb, const MatmulOptions& o) {
  check_shape("matmul a", a, ta ? k : m, ta ? m : k);
  check_shape("matmul b", b, tb ? n : k, tb ? k : n);
  const float beta = o.accumulate ? 1.0F : 0.0F;
  switch (common_device("matmul", {{"a", a.device}, {"b", b.device}, {"c", c.device}}).kind) {
    case DeviceKind::kCpu:
      return backends::gemm(ctx.pool, m, n, k, a.data, a.cols, b.data, b.cols, c.data, c.cols,
                            {.trans_a = ta,
                             .trans_b = tb,
                             .alpha = o.alpha,
                             .beta = beta,
                             .precision = o.linear ? linear_precision(ctx) : backends::GemmPrecision::kF32});
    case DeviceKind::kCuda: {
      backends::cuda::Product product{.m = m, .n = n, .k = k, .a = a.data, .b = {}, .c = c.data};
      product.b.rows = b.rows;
      product.b.cols = b.cols;
      product.b.device = b.device;
      product.b.dense.data = b.data;
      product.trans_a = ta;
      product.trans_b = tb;
      product.alpha = o.alpha;
      product.beta = beta;
      if (o.linear) product.precision = cuda_precision(ctx);
      return backends::cuda::multiply(queue_of(ctx, "matmul", c.device), product);
    }
  }
}

}  // namespace

backends::GemmPrecision linear_precision(const Context& ctx) {
  switch (ctx.matmul_precision) {
    case MatmulPrecision::kI16:
      return backends::GemmPrecision::kI16;
    case MatmulPrecision::kTf32:
    case MatmulPrecision::kBf16:
      fail(ErrorCode::kUnsupported, "[ops] products in tf32 or bf16 are made on CUDA devices only");
    case MatmulPrecision::kF32:
      break;
  }
  return backends::GemmPrecision::kF32;
}

backends::cuda::Precision cuda_precision(const Context& ctx) {
  switch (ctx.matmul_precision) {
    case MatmulPrecision::kTf32:
      return backends::cuda::Precision::kTf32;
    case MatmulPrecision::kBf16:
      return backends::cuda::Precision::kBf16;
    case MatmulPrecision::kI16:
      fail(ErrorCode::kUnsupported, "[ops] products in 16-bit integers are made on the cpu only");
    case MatmulPrecision::kF32:
      break;
  }
  return backends::cuda::Precision::kF32;
}

void matmul(Context& ctx, ConstMatrix a, ConstMatrix b, Matrix c, const MatmulOptions& o) {
  run(ctx, c.rows, c.cols, a.cols, a, b, c, false, false, o);
}

void matmul_nt(Context& ctx, ConstMatrix a, ConstMatrix b, Matrix c, const MatmulOptions& o) {
  run(ctx, c.rows, c.cols, a.cols, a, b, c, false, true, o);
}

void matmul_tn(Context& ctx, ConstMatrix a, ConstMatrix b, Matrix c, const MatmulOptions& o) {
  run(ctx, c.rows, c.cols, a.rows, a, b, c, true, false, o);
}

}  // namespace lq
