#include "nn/parameter.h"

#include <cstring>

namespace lq {

void Parameter::make_trainable() {
  if (value.dtype() != DType::kF32 || !value.owns()) {
    Tensor own = Tensor::empty(DType::kF32, value.shape());
    convert_to_f32(value.dtype(), value.raw(), 0, value.numel(), own.mutable_data<float>());
    value = std::move(own);
  }
  grad = Tensor::zeros(DType::kF32, value.shape());
}

void Parameter::zero_grad() {
  if (trainable()) std::memset(grad.mutable_raw(), 0, grad.bytes());
}

}  // namespace lq
