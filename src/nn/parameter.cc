#include "nn/parameter.h"

#include <cstring>

#include "base/error.h"
#include "ops/device_memory.h"

namespace lq {

void Parameter::make_trainable() {
  LQ_CHECK(value.device().is_cpu(), kInternal, "{} is on {} already: what learns is chosen before", name,
           device_text(value.device()));
  if (value.dtype() != DType::kF32 || !value.owns()) {
    Tensor own = Tensor::empty(DType::kF32, value.shape());
    convert_to_f32(value.dtype(), value.raw(), 0, value.numel(), own.mutable_data<float>());
    value = std::move(own);
  }
  grad = Tensor::zeros(DType::kF32, value.shape());
}

void Parameter::to_device(Context& ctx) {
  for (Tensor* t : {&value, &grad}) {
    if (t->numel() > 0 && t->device() != ctx.device) *t = copy_to_device(ctx, *t);
  }
}

void Parameter::to_host(Context& ctx) {
  for (Tensor* t : {&value, &grad}) {
    if (!t->device().is_cpu()) *t = copy_to_host(ctx, *t);
  }
}

void Parameter::zero_grad() {
  if (trainable()) std::memset(grad.mutable_raw(), 0, grad.bytes());
}

}  // namespace lq
