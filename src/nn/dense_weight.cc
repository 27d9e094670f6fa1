#include "nn/dense_weight.h"

#include "base/error.h"

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

backends::PackedView DenseWeight::view() const {
  const Tensor& t = parameter_.value;
  return {.layout = backends::PackedLayout::kDense,
          .rows = rows(),
          .cols = cols(),
          .device = t.device(),
          .dense = {.data = t.raw(), .type = dense_type(t.dtype())}};
}

}  // namespace lq
