#include "nn/rounded_weight.h"

#include "backends/cpu/byte_matrix.h"

namespace lq {

void RoundedWeight::round(Context& ctx) const {
  const std::lock_guard lock(mutex_);
  const Tensor& t = stored();
  if (rounded_ == t.raw()) return;
  values_ = Tensor::empty(DType::kI8, {rows(), cols()});
  scales_ = Tensor::empty(DType::kF32, {rows(), cols() / 64});
  backends::byte_encode(ctx.pool, dense_type(t.dtype()), t.raw(), rows(), cols(),
                        values_.mutable_data<std::int8_t>(), scales_.mutable_data<float>());
  rounded_ = t.raw();
}

void RoundedWeight::forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const {
  if (ctx.decode_precision != DecodePrecision::kFast || x.rows != 1 || learns() ||
      !stored().device().is_cpu() || !backends::byte_gemv_has(cols())) {
    return DenseWeight::forward(ctx, ws, x, y);
  }
  check_shape("linear x", x, 1, cols());
  check_shape("linear y", y, 1, rows());
  round(ctx);
  Scratch scratch(ws);
  float* const prepared = scratch.vector(backends::byte_gemv_scratch(cols())).data();
  backends::byte_gemv(ctx.pool, {values_.data<std::int8_t>(), scales_.data<float>(), rows(), cols()}, x.data,
                      y.data, prepared);
}

}  // namespace lq
