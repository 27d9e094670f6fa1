#include "tensor/tensor.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/error.h"
#include "base/float16.h"

namespace lq {
namespace {

template <typename Storage>
void widen(const std::byte* x, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    Storage value;
    std::memcpy(&value, x + static_cast<std::size_t>(i) * sizeof(Storage), sizeof(Storage));
    out[i] = to_float(value);
  }
}

}  // namespace

void Tensor::Free::operator()(std::byte* p) const { std::free(p); }

Tensor Tensor::empty(DType dtype, Shape shape) {
  Tensor t;
  t.numel_ = checked_numel(shape, "tensor");
  t.dtype_ = dtype;
  t.shape_ = std::move(shape);
  const std::size_t rounded = (t.bytes() + 63) / 64 * 64;
  auto* p = static_cast<std::byte*>(std::aligned_alloc(64, rounded == 0 ? 64 : rounded));
  if (p == nullptr) throw std::bad_alloc();
  t.owned_.reset(p);
  t.data_ = p;
  return t;
}

Tensor Tensor::zeros(DType dtype, Shape shape) {
  Tensor t = empty(dtype, std::move(shape));
  std::memset(t.owned_.get(), 0, t.bytes());
  return t;
}

Tensor Tensor::borrow(DType dtype, Shape shape, const std::byte* bytes) {
  Tensor t;
  t.numel_ = checked_numel(shape, "tensor");
  t.dtype_ = dtype;
  t.shape_ = std::move(shape);
  t.data_ = bytes;
  return t;
}

std::byte* Tensor::mutable_raw() {
  LQ_CHECK(owned_ != nullptr, kInternal, "a borrowed tensor cannot be written");
  return owned_.get();
}

void convert_to_f32(DType dtype, const std::byte* x, std::int64_t begin, std::int64_t count, float* out) {
  const std::byte* from = x + static_cast<std::size_t>(begin) * dtype_size(dtype);
  switch (dtype) {
    case DType::kF32:
      if (count > 0) std::memcpy(out, from, static_cast<std::size_t>(count) * sizeof(float));
      return;
    case DType::kBf16:
      return widen<bf16>(from, count, out);
    case DType::kF16:
      return widen<f16>(from, count, out);
    default:
      fail(ErrorCode::kUnsupported, "cannot read {} as weights (expected F32, BF16 or F16)",
           dtype_name(dtype));
  }
}

void convert_from_f32(DType dtype, const float* x, std::int64_t count, std::byte* out) {
  switch (dtype) {
    case DType::kF32:
      if (count > 0) std::memcpy(out, x, static_cast<std::size_t>(count) * sizeof(float));
      return;
    case DType::kBf16:
      for (std::int64_t i = 0; i < count; ++i) {
        const bf16 value = to_bf16(x[i]);
        std::memcpy(out + i * 2, &value, 2);
      }
      return;
    case DType::kF16:
      for (std::int64_t i = 0; i < count; ++i) {
        const f16 value = to_f16(x[i]);
        std::memcpy(out + i * 2, &value, 2);
      }
      return;
    default:
      fail(ErrorCode::kUnsupported, "cannot write weights as {} (expected F32, BF16 or F16)",
           dtype_name(dtype));
  }
}

}  // namespace lq
