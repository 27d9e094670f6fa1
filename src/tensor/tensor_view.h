// What a checkpoint file says of a tensor (TensorSpec), and where its bytes lie in a mapped file
// (TensorView).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "tensor/tensor.h"

namespace lq {

struct TensorSpec {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;

  // Throws Error(kCorruptFile) naming the tensor for a negative extent or a product above 2^62.
  std::int64_t numel() const { return checked_numel(shape, name); }
  // Throws as numel(), and where the bytes exceed 2^62.
  std::size_t bytes() const;

  bool operator==(const TensorSpec&) const = default;
};

// A tensor inside a memory-mapped file. Cheap to copy; valid while the reader it came from lives. The bytes
// may be unaligned (convert_to_f32 does not mind). The file must not be cut while it is mapped: reading past
// the new end raises SIGBUS.
struct TensorView {
  TensorSpec spec;
  const std::byte* data = nullptr;
  std::size_t bytes = 0;
  bool mapped = false;  // data lies in a mapped file, so that prefetch() and drop() mean something

  const std::string& name() const { return spec.name; }
  DType dtype() const { return spec.dtype; }
  const Shape& shape() const { return spec.shape; }
  std::int64_t numel() const { return static_cast<std::int64_t>(bytes / dtype_size(spec.dtype)); }
  // Borrows: no copy.
  Tensor borrow() const { return Tensor::borrow(spec.dtype, spec.shape, data); }
  // An aligned copy of its own.
  Tensor copy() const;
  // Every element as f32, shape kept. Throws Error(kUnsupported) naming the tensor unless F32, BF16, F16 or
  // F64.
  Tensor copy_f32() const;
};

// Asks the kernel to read the bytes ahead; returns at once. A hint: never fails.
void prefetch(const TensorView& view);
// Gives the mapped pages back, so that streaming over a large file keeps the resident set small. The view
// stays valid; touching it again reads the file (or its page cache) again. A hint: never fails.
void drop(const TensorView& view);

}  // namespace lq
