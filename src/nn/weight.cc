#include "nn/weight.h"

#include "backends/cpu/gemm.h"
#include "ops/matmul.h"

namespace lq {

void Weight::forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const {
  check_shape("linear x", x, x.rows, cols());
  check_shape("linear y", y, x.rows, rows());
  if (x.rows <= kFewRows && forward_few(ctx, ws, x, y)) return;
  if (const float* w = as_f32()) {
    backends::gemm(ctx.pool, x.rows, rows(), cols(), x.data, cols(), w, cols(), y.data, rows(),
                   {.trans_b = true, .precision = linear_precision(ctx)});
    return;
  }
  const backends::GemmRows rows_of = [&](std::int64_t begin, std::int64_t count, float* out) {
    read_rows(ctx, begin, count, out);
  };
  backends::gemm_rows(ctx.pool, x.rows, rows(), cols(), x.data, cols(), rows_of, y.data, rows(),
                      {.trans_b = true, .precision = linear_precision(ctx)});
}

void Weight::backward_input(Context& ctx, ConstMatrix dy, Matrix dx, bool accumulate) const {
  check_shape("linear dy", dy, dy.rows, rows());
  check_shape("linear dx", dx, dy.rows, cols());
  if (const float* w = as_f32()) {
    backends::gemm(ctx.pool, dy.rows, cols(), rows(), dy.data, rows(), w, cols(), dx.data, cols(),
                   {.beta = accumulate ? 1.0F : 0.0F, .precision = linear_precision(ctx)});
    return;
  }
  const backends::GemmRows rows_of = [&](std::int64_t begin, std::int64_t count, float* out) {
    read_rows(ctx, begin, count, out);
  };
  backends::gemm_rows(ctx.pool, dy.rows, cols(), rows(), dy.data, rows(), rows_of, dx.data, cols(),
                      {.beta = accumulate ? 1.0F : 0.0F, .precision = linear_precision(ctx)});
}

}  // namespace lq
