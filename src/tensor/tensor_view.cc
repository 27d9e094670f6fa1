#include "tensor/tensor_view.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace lq {
namespace {

void advise(const TensorView& view, int advice) {
  if (!view.mapped || view.bytes == 0) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(view.data) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(view.data) + view.bytes;
  ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

std::size_t TensorSpec::bytes() const {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 62;
  const auto n = static_cast<std::uint64_t>(numel());
  const std::uint64_t size = dtype_size(dtype);
  LQ_CHECK(n <= kLimit / size, kCorruptFile, "{}: shape {} {} has more than 2^62 bytes", name,
           shape_text(shape), dtype_name(dtype));
  return n * size;
}

double TensorView::bits_per_element() const {
  return 8.0 * static_cast<double>(bytes) / static_cast<double>(std::max<std::int64_t>(1, numel()));
}

Tensor TensorView::borrow() const {
  LQ_CHECK(form == nullptr, kInternal, "{}: {} has to be decoded, not borrowed", spec.name, stored_type());
  return Tensor::borrow(spec.dtype, spec.shape, data);
}

Tensor TensorView::copy() const {
  Tensor out = Tensor::empty(spec.dtype, spec.shape);
  if (form != nullptr && spec.dtype != DType::kF32) {
    constexpr std::int64_t kPiece = std::int64_t{1} << 16;  // elements decoded at a time
    std::vector<float> piece(static_cast<std::size_t>(std::min(kPiece, numel())));
    for (std::int64_t at = 0; at < numel(); at += kPiece) {
      const std::int64_t n = std::min(kPiece, numel() - at);
      form->to_f32(data, at, n, piece.data());
      convert_from_f32(spec.dtype, piece.data(), n,
                       out.mutable_raw() + static_cast<std::size_t>(at) * dtype_size(spec.dtype));
    }
  } else if (form != nullptr) {
    form->to_f32(data, 0, numel(), out.mutable_data<float>());
  } else if (bytes > 0) {
    std::memcpy(out.mutable_raw(), data, bytes);
  }
  return out;
}

void TensorView::to_f32(std::int64_t begin, std::int64_t count, float* out) const {
  if (form != nullptr) {
    form->to_f32(data, begin, count, out);
  } else {
    convert_to_f32(spec.dtype, data, begin, count, out);
  }
}

namespace {

Tensor f32_like(const TensorSpec& spec) {
  LQ_CHECK(is_stored_weight_dtype(spec.dtype), kUnsupported,
           "{}: {} cannot be read as weights (expected F32, BF16, F16 or F64)", spec.name,
           dtype_name(spec.dtype));
  return Tensor::empty(DType::kF32, spec.shape);
}

}  // namespace

Tensor TensorView::copy_f32() const {
  Tensor out = f32_like(spec);
  to_f32(0, numel(), out.mutable_data<float>());
  return out;
}

Tensor TensorView::copy_f32(ThreadPool& pool) const {
  constexpr std::int64_t kGrain = 1 << 20;
  Tensor out = f32_like(spec);
  float* values = out.mutable_data<float>();
  parallel_for(pool, numel(), kGrain,
               [&](std::int64_t begin, std::int64_t end) { to_f32(begin, end - begin, values + begin); });
  return out;
}

void drop(const TensorView& view) { advise(view, MADV_DONTNEED); }

}  // namespace lq
