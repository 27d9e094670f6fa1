// A weight packed as NormalFloat codes with two levels of scales: the Q of LQ-LoRA, never dense as a whole.
#pragma once

#include "nn/weight.h"
#include "quant/nf_matrix.h"

namespace lq {

class NfWeight final : public Weight {
 public:
  explicit NfWeight(NfMatrix matrix) : matrix_(std::move(matrix)) {}

  const NfMatrix& matrix() const { return matrix_; }
  std::int64_t rows() const override { return matrix_.rows(); }
  std::int64_t cols() const override { return matrix_.cols(); }
  std::int64_t bytes() const override { return matrix_.storage_bytes(); }
  void read_rows(Context& ctx, std::int64_t begin, std::int64_t count, float* out) const override;

 protected:
  // Integer arithmetic on 16-bit codes and activations (kernels/cpu/nf_gemv.h): within 1e-4 of the exact
  // product's scale.
  bool forward_few(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const override;

 private:
  NfMatrix matrix_;
};

}  // namespace lq
