// A packed weight of any format: the Q of LQ-LoRA, never dense as a whole.
#pragma once

#include <utility>

#include "nn/weight.h"
#include "quant/codebook/codebook_matrix.h"

namespace lq {

class PackedWeight final : public Weight {
 public:
  explicit PackedWeight(CodebookMatrix matrix) : matrix_(std::move(matrix)) {}

  const CodebookMatrix& matrix() const { return matrix_; }
  std::int64_t rows() const override { return matrix_.rows(); }
  std::int64_t cols() const override { return matrix_.cols(); }
  std::int64_t bytes() const override { return matrix_.storage_bytes(); }
  backends::PackedView view() const override {
    return {.layout = backends::PackedLayout::kCodebook,
            .rows = matrix_.rows(),
            .cols = matrix_.cols(),
            .codebook = matrix_.view()};
  }

 private:
  CodebookMatrix matrix_;
};

}  // namespace lq
