// A matrix, or a vector, whose elements lie apart in its file: transposed, or in every other row or column.
#pragma once

#include <cstdint>

#include "tensor/tensor_view.h"

namespace lq {

// Element (row, col) lies row * row_step + col * col_step elements after the view's data.
class StridedForm final : public StoredForm {
 public:
  StridedForm(DType dtype, std::int64_t cols, std::int64_t row_step, std::int64_t col_step)
      : dtype_(dtype), cols_(cols), row_step_(row_step), col_step_(col_step) {}
  std::string_view name() const override { return dtype_name(dtype_); }
  void to_f32(const std::byte* data, std::int64_t begin, std::int64_t count, float* out) const override;

 private:
  DType dtype_;
  std::int64_t cols_, row_step_, col_step_;
};

}  // namespace lq
