// A packed matrix of any format: the one type that storage, decomposition, the engine and export share.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/packed_view.h"
#include "base/parallel.h"
#include "quant/choice.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace lq {

// Largest number of elements of one matrix: far above any model's, far below what overflows.
inline constexpr std::int64_t kMostElements = std::int64_t{1} << 42;

// Throws Error(kInvalidArgument) naming `who` unless rows, cols >= 1 and rows * cols <= kMostElements.
void check_packed_shape(std::int64_t rows, std::int64_t cols, std::string_view who);

// One tensor of a packed matrix as it is stored: NAME.suffix in a checkpoint.
struct PackedPart {
  std::string suffix;  // "codes"
  DType dtype = DType::kU8;
  Shape shape;
  std::span<const std::uint8_t> bytes;  // of any alignment
};

// A value: copies share the bytes, which never change. What the bytes mean is said in docs/formats.
class PackedMatrix {
 public:
  // Empty: rows() == 0. Only to be assigned to.
  PackedMatrix() = default;
  // For formats. The parts, in the format's order, and the view's pointers lead into `storage` or into memory
  // that outlives every copy. REQUIRES: the parts were checked, so that no later call can read past them or
  // yield NaN or infinity.
  PackedMatrix(QuantChoice choice, std::vector<PackedPart> parts, const backends::PackedView& view,
               std::shared_ptr<const void> storage);

  std::int64_t rows() const { return view_.rows; }
  std::int64_t cols() const { return view_.cols; }
  const QuantChoice& choice() const { return choice_; }
  const std::vector<PackedPart>& parts() const { return parts_; }
  // What products take (ops/packed_matmul.h). Valid while *this or a copy lives.
  const backends::PackedView& view() const { return view_; }
  // Bytes of all parts as stored, padding counted.
  std::int64_t storage_bytes() const;
  // storage_bytes() * 8 / (rows * cols).
  double bits_per_weight() const;

  // out[rows, cols] = the matrix.
  void dequantize(ThreadPool& pool, float* out) const;

 private:
  QuantChoice choice_;
  std::vector<PackedPart> parts_;
  backends::PackedView view_;
  std::shared_ptr<const void> storage_;
};

}  // namespace lq
