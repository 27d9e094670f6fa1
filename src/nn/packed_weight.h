// A weight packed as NormalFloat codes with two levels of scales: the Q of LQ-LoRA, never dense as a whole.
#pragma once

#include "backends/cpu/int8_gemv.h"
#include "nn/weight.h"
#include "quant/codebook/codebook_matrix.h"

namespace lq {

class PackedWeight final : public Weight {
 public:
  explicit PackedWeight(CodebookMatrix matrix);

  const CodebookMatrix& matrix() const { return matrix_; }
  std::int64_t rows() const override { return matrix_.rows(); }
  std::int64_t cols() const override { return matrix_.cols(); }
  std::int64_t bytes() const override { return matrix_.storage_bytes(); }
  void read_rows(Context& ctx, std::int64_t begin, std::int64_t count, float* out) const override;

 protected:
  // Integer arithmetic, in the context's DecodePrecision (backends/cpu/nf_gemv.h).
  bool forward_few(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const override;

 private:
  CodebookMatrix matrix_;
  backends::NfGemvLevels levels_ = {};  // of the codebook, up to 4 bits
};

}  // namespace lq
