#include "tensor/tensor_view.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

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

Tensor TensorView::copy() const {
  Tensor out = Tensor::empty(spec.dtype, spec.shape);
  if (bytes > 0) std::memcpy(out.mutable_raw(), data, bytes);
  return out;
}

Tensor TensorView::copy_f32() const {
  LQ_CHECK(is_stored_weight_dtype(spec.dtype), kUnsupported,
           "{}: {} cannot be read as weights (expected F32, BF16, F16 or F64)", spec.name,
           dtype_name(spec.dtype));
  Tensor out = Tensor::empty(DType::kF32, spec.shape);
  convert_to_f32(spec.dtype, data, 0, numel(), out.mutable_data<float>());
  return out;
}

void prefetch(const TensorView& view) { advise(view, MADV_WILLNEED); }
void drop(const TensorView& view) { advise(view, MADV_DONTNEED); }

}  // namespace lq
