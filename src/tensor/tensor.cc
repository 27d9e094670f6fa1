#include "tensor/tensor.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/error.h"
#include "base/float16.h"

namespace lq {
namespace {

// Rounds to nearest, as every program that reads such weights as f32 does.
float to_float(double value) { return static_cast<float>(value); }

// To f32.
template <typename Storage>
void widen(const std::byte* x, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    Storage value;
    std::memcpy(&value, x + static_cast<std::size_t>(i) * sizeof(Storage), sizeof(Storage));
    out[i] = to_float(value);
  }
}

// Large tensors lie on pages of 2 MiB where the system has them to give: touching 4 KiB at a time for the
// first time took half of the time of quantizing a model of 1.1 B weights. A part at the end that fills no
// such page stays on small ones, so nothing is rounded up.
constexpr std::size_t kLargePage = std::size_t{1} << 21;
constexpr std::size_t kLarge = 2 * kLargePage;

std::byte* allocate(std::size_t bytes) {
  void* p = nullptr;
  const std::size_t rounded = std::max<std::size_t>(64, (bytes + 63) / 64 * 64);
  if (posix_memalign(&p, rounded >= kLarge ? kLargePage : 64, rounded) != 0) throw std::bad_alloc();
#if defined(__linux__)
  if (rounded >= kLarge) madvise(p, rounded / kLargePage * kLargePage, MADV_HUGEPAGE);  // a wish: may fail
#endif
  return static_cast<std::byte*>(p);
}

void free_host(std::byte* p) { std::free(p); }

}  // namespace

Tensor Tensor::empty(DType dtype, Shape shape) {
  const auto count = static_cast<std::size_t>(checked_numel(shape, "tensor"));
  return adopt(dtype, std::move(shape), {}, allocate(count * dtype_size(dtype)), free_host);
}

Tensor Tensor::adopt(DType dtype, Shape shape, Device device, std::byte* bytes, FreeBytes free) {
  return adopt(dtype, std::move(shape), device, std::shared_ptr<std::byte>(bytes, free));
}

Tensor Tensor::adopt(DType dtype, Shape shape, Device device, std::shared_ptr<std::byte> bytes) {
  Tensor t;
  t.numel_ = checked_numel(shape, "tensor");
  t.dtype_ = dtype;
  t.shape_ = std::move(shape);
  t.device_ = device;
  t.data_ = bytes.get();
  t.owned_ = std::move(bytes);
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

Tensor Tensor::slice(DType dtype, Shape shape, std::size_t offset) {
  Tensor t;
  t.numel_ = checked_numel(shape, "tensor");
  t.dtype_ = dtype;
  t.shape_ = std::move(shape);
  LQ_CHECK(owned_ != nullptr, kInternal, "a slice of a borrowed tensor");
  LQ_CHECK(offset <= bytes() && t.bytes() <= bytes() - offset && offset % dtype_size(dtype) == 0, kInternal,
           "a slice of {} bytes from byte {} on of a tensor of {}", t.bytes(), offset, bytes());
  t.device_ = device_;
  t.owned_ = std::shared_ptr<std::byte>(owned_, owned_.get() + offset);
  t.data_ = t.owned_.get();
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
    case DType::kF64:
      return widen<double>(from, count, out);
    default:
      fail(ErrorCode::kUnsupported, "cannot read {} as weights (expected F32, BF16, F16 or F64)",
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
