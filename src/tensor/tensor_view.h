// What a checkpoint file says of a tensor (TensorSpec), and where its bytes lie in a mapped file
// (TensorView).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/parallel.h"
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

// How the elements of a tensor lie in its file where that is not as one of our types in the tensor's order:
// in blocks of their own (ggml's types), or rows in another order. Thread-safe.
class StoredForm {
 public:
  virtual ~StoredForm() = default;
  // Of the type in the file: "Q4_K". For messages, tables and hashes.
  virtual std::string_view name() const = 0;
  // out[0 .. count) = elements begin .. begin + count of the tensor whose stored bytes begin at `data`.
  virtual void to_f32(const std::byte* data, std::int64_t begin, std::int64_t count, float* out) const = 0;
};

// A tensor inside a memory-mapped file. Cheap to copy; valid while the reader it came from lives. The bytes
// may be unaligned (convert_to_f32 does not mind). The file must not be cut while it is mapped: reading past
// the new end raises SIGBUS.
struct TensorView {
  TensorSpec spec;  // of the elements; with a form, dtype is one that holds each of them exactly
  const std::byte* data = nullptr;              // as stored
  std::size_t bytes = 0;                        // as stored
  bool mapped = false;                          // data lies in a mapped file, so that drop() means something
  std::shared_ptr<const StoredForm> form = {};  // null: data are the elements, as spec says

  const std::string& name() const { return spec.name; }
  DType dtype() const { return spec.dtype; }
  const Shape& shape() const { return spec.shape; }
  std::int64_t numel() const {
    return form ? spec.numel() : static_cast<std::int64_t>(bytes / dtype_size(spec.dtype));
  }
  // The type in the file: "BF16", "Q4_K".
  std::string_view stored_type() const { return form ? form->name() : dtype_name(spec.dtype); }
  double bits_per_element() const;  // as stored
  // Borrows: no copy. REQUIRES: no form.
  Tensor borrow() const;
  // An aligned copy of its own, of spec.dtype.
  Tensor copy() const;
  // The elements as spec says: borrowed where they lie so, else a copy.
  Tensor values() const { return form ? copy() : borrow(); }
  // out[0 .. count) = elements begin .. begin + count. REQUIRES: a stored weight dtype.
  void to_f32(std::int64_t begin, std::int64_t count, float* out) const;
  // Every element as f32, shape kept. Throws Error(kUnsupported) naming the tensor unless F32, BF16, F16 or
  // F64.
  Tensor copy_f32() const;
  // The same by all threads.
  Tensor copy_f32(ThreadPool& pool) const;
};

// Gives the mapped pages back, so that streaming over a large file keeps the resident set small. The view
// stays valid; touching it again reads the file (or its page cache) again. A hint: never fails.
void drop(const TensorView& view);

}  // namespace lq
