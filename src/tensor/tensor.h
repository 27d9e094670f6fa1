// A contiguous array with a dtype and a shape on a device; owns its bytes, alone or with others that are
// slices of the same storage, or borrows them (from a memory-mapped file).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace lq {

// Move-only. Owned storage is aligned to 64 bytes and not initialized unless `zeros` made it. Tensors on
// other devices are made by ops/device_memory.h.
class Tensor {
 public:
  // Gives memory back to where it came from.
  using FreeBytes = void (*)(std::byte* bytes);

  Tensor() = default;
  // On the processor.
  static Tensor empty(DType dtype, Shape shape);
  static Tensor zeros(DType dtype, Shape shape);
  // Does not copy; REQUIRES: `bytes` outlives the tensor and holds numel * dtype_size bytes.
  static Tensor borrow(DType dtype, Shape shape, const std::byte* bytes);
  // Takes over memory of any device, which `free` gives back.
  static Tensor adopt(DType dtype, Shape shape, Device device, std::byte* bytes, FreeBytes free);
  // The same of memory that its owner says how to give back.
  static Tensor adopt(DType dtype, Shape shape, Device device, std::shared_ptr<std::byte> bytes);
  // The part of this one's storage from `offset` bytes on: who writes one of them writes the other, and the
  // storage lives as long as the last of them. REQUIRES: owns(); the slice lies in it, aligned for its dtype.
  Tensor slice(DType dtype, Shape shape, std::size_t offset);

  Tensor(Tensor&&) = default;
  Tensor& operator=(Tensor&&) = default;

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(std::size_t axis) const { return shape_[axis]; }
  std::int64_t numel() const { return numel_; }
  std::size_t bytes() const { return static_cast<std::size_t>(numel_) * dtype_size(dtype_); }
  bool owns() const { return owned_ != nullptr; }
  Device device() const { return device_; }

  // Addresses on device(): only that device may follow them.
  const std::byte* raw() const { return data_; }
  // REQUIRES: owns().
  std::byte* mutable_raw();

  // REQUIRES: sizeof(T) == dtype_size(dtype()).
  template <typename T>
  const T* data() const {
    return reinterpret_cast<const T*>(data_);
  }
  template <typename T>
  T* mutable_data() {
    return reinterpret_cast<T*>(mutable_raw());
  }

 private:
  DType dtype_ = DType::kF32;
  Shape shape_;
  std::int64_t numel_ = 0;
  Device device_;
  const std::byte* data_ = nullptr;
  std::shared_ptr<std::byte> owned_;
};

// out[i] = x[i] as f32 for begin <= i < begin + count, from F32, BF16 or F16. Throws Error(kUnsupported) for
// others. The source may be unaligned (safetensors headers do not align).
void convert_to_f32(DType dtype, const std::byte* x, std::int64_t begin, std::int64_t count, float* out);
// out[i] = x[i] in `dtype` (F32, BF16 or F16; rounds to nearest even).
void convert_from_f32(DType dtype, const float* x, std::int64_t count, std::byte* out);

}  // namespace lq
