// MXFP4 (OCP Microscaling Formats 1.0, as gpt-oss's files hold it): blocks of 32 numbers of 4 bits (e2m1),
// two in a byte, the lower half first, and a power of two for each block (e8m0, a byte b: 2^(b - 127)).
#pragma once

#include <cstdint>

#include "tensor/tensor_view.h"

namespace lq {

inline constexpr std::int64_t kMxfp4Block = 32;  // numbers of one scale, in 16 bytes

// Rows of blocks, every row_step-th of them: the view's data are the first row's blocks, `scales` its scales.
// Every number is exact in BF16; a scale of 255 is none (NaN), as the format has it.
class Mxfp4Form final : public StoredForm {
 public:
  // REQUIRES: cols % kMxfp4Block == 0. The scales outlive this.
  Mxfp4Form(std::int64_t cols, std::int64_t row_step, const std::byte* scales)
      : cols_(cols), row_step_(row_step), scales_(scales) {}
  std::string_view name() const override { return "MXFP4"; }
  void to_f32(const std::byte* data, std::int64_t begin, std::int64_t count, float* out) const override;

 private:
  std::int64_t cols_, row_step_;
  const std::byte* scales_;
};

}  // namespace lq
