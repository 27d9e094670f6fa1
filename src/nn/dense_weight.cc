#include "nn/dense_weight.h"

#include <cstdint>

#include "backends/cpu/transformer_elementwise.h"

namespace lq {

backends::DenseType dense_type(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return backends::DenseType::kF32;
    case DType::kBf16:
      return backends::DenseType::kBf16;
    case DType::kF16:
      return backends::DenseType::kF16;
    default:
      fail(ErrorCode::kInternal, "a dense weight cannot be {}", dtype_name(dtype));
  }
}

void DenseWeight::read_rows(Context& ctx, std::int64_t begin, std::int64_t count, float* out) const {
  const Tensor& t = parameter_.value;
  const std::byte* from = t.raw() + static_cast<std::size_t>(begin * cols()) * dtype_size(t.dtype());
  parallel_for(ctx.pool, count * cols(), 65536, [&](std::int64_t at, std::int64_t end) {
    if (t.dtype() == DType::kBf16) {
      backends::widen_bf16(end - at, from + 2 * at, out + at);
    } else if (t.dtype() == DType::kF16) {
      backends::widen_f16(end - at, from + 2 * at, out + at);
    } else {
      convert_to_f32(t.dtype(), from, at, end - at, out + at);
    }
  });
}

const float* DenseWeight::as_f32() const {
  const Tensor& t = parameter_.value;
  // A mapped file may put the tensor anywhere.
  const bool aligned = reinterpret_cast<std::uintptr_t>(t.raw()) % alignof(float) == 0;
  return t.dtype() == DType::kF32 && aligned ? t.data<float>() : nullptr;
}

bool DenseWeight::forward_few(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const {
  (void)ws;
  const Tensor& t = parameter_.value;
  backends::dense_gemv(ctx.pool, dense_type(t.dtype()), t.raw(), rows(), cols(), x.data, x.rows, y.data);
  return true;
}

}  // namespace lq
