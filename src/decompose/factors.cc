#include "decompose/factors.h"

#include "base/error.h"
#include "base/float16.h"
#include "ops/device_memory.h"
#include "tensor/matrix.h"

namespace lq {
namespace {

Tensor copy_of(Context& context, const Tensor& from) {
  Tensor to = empty_tensor(from.device(), DType::kF32, from.shape());
  copy_values(context, const_matrix_of(from).flat(), span_of<float>(to));
  return to;
}

}  // namespace

Factors copy_of(Context& context, const Factors& f) {
  if (f.rank == 0) return {};
  return {f.rank, copy_of(context, f.l1), copy_of(context, f.l2)};
}

Factors on_processor(Context& context, const Factors& f) {
  if (f.rank == 0) return {};
  return {f.rank, copy_to_host(context, f.l1), copy_to_host(context, f.l2)};
}

Factors on_device(Context& context, Factors f) {
  if (f.rank == 0 || context.device.is_cpu()) return f;
  return {f.rank, copy_to_device(context, f.l1), copy_to_device(context, f.l2)};
}

void round_factors(Factors& f, DType type) {
  if (f.rank == 0 || type == DType::kF32) return;
  LQ_CHECK(f.l1.device().is_cpu() && type == DType::kBf16, kInternal,
           "[decompose] factors on {} cannot be rounded to {}", device_text(f.l1.device()), dtype_name(type));
  for (Tensor* t : {&f.l1, &f.l2}) {
    float* const values = t->mutable_data<float>();
    for (std::int64_t i = 0; i < t->numel(); ++i) values[i] = to_float(to_bf16(values[i]));
  }
}

}  // namespace lq
