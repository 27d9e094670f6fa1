// Which errors matter: the norm in which a decomposition is best.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "linalg/lower_factor.h"
#include "quant/quantizer.h"

namespace lq {

// ||diag(rows) E diag(cols)||_F for an error E. Rows and columns of zero weight get a small floor, so that
// factors can be brought back from the weighted space.
class Importance {
 public:
  // Every error matters the same.
  Importance() = default;

  // row_scale: [rows], col_scale: [cols]; either may be empty: ones. They multiply errors (not squared
  // errors). Throws Error(kInvalidArgument) for negative, infinite or NaN scales.
  static Importance diagonal(const std::vector<float>& row_scale, const std::vector<float>& col_scale);

  // The Fisher's diagonal F from its row means and column means, as F[i, j] ~ row[i] col[j] / mean (LQ-LoRA,
  // section 3.2, with the product brought back to F's own size): the squared norm of E then estimates sum
  // F[i, j] E[i, j]^2, which compares between matrices. All zero (a layer that never fires): every error
  // matters the same. Throws Error(kInvalidArgument) for negative, infinite or NaN means.
  static Importance fisher(const std::vector<double>& row_means, const std::vector<double>& col_means);

  // left: T of size rows; right: S of size cols; either may be null: the identity.
  static Importance kronecker(std::shared_ptr<const LowerFactor> left,
                              std::shared_ptr<const LowerFactor> right);

  // Every error matters the same.
  bool plain() const { return row_scale_.empty() && col_scale_.empty() && !full(); }
  // T or S is there; row_scale() and col_scale() are then null.
  bool full() const { return left_ != nullptr || right_ != nullptr; }
  const LowerFactor* left() const { return left_.get(); }
  const LowerFactor* right() const { return right_.get(); }
  const float* row_scale() const { return row_scale_.empty() ? nullptr : row_scale_.data(); }
  const float* col_scale() const { return col_scale_.empty() ? nullptr : col_scale_.data(); }
  // Squared scales, or the diagonals of G and R with their factors: for the quantizer. Borrowed from *this.
  ErrorWeights error_weights() const;
  // The same importance, with what Feedback::kGptq needs in its error_weights(): the factor of R with rows
  // and columns in reverse order. REQUIRES: right() != nullptr.
  Importance with_reversed_factor(ThreadPool& pool) const;

  // Throws Error(kMismatch) unless scales and factors are of this size.
  void check_shape(std::int64_t rows, std::int64_t cols) const;

 private:
  std::vector<float> row_scale_, col_scale_;
  std::vector<float> row_square_, col_square_;
  std::shared_ptr<const LowerFactor> left_, right_, reversed_right_;
};

}  // namespace lq
