// The fit of the scales of one row's blocks to what feedback makes of their errors.
#pragma once

#include <cstdint>

#include "quant/trellis/trellis_matrix.h"

namespace lq {

// A diagonal block of the lower triangular factor S: [order, order], rows `stride` apart.
struct FactorBlock {
  const float* data = nullptr;
  std::int64_t stride = 0;
  std::int64_t order = 0;
};

// Columns [col, col + s.order) of a row, whole blocks but for the last of the matrix: with wanted and units
// [s.order] and before = F S of the columns after them, sets the codes of their blocks' scales, one block
// after the other, to those nearest to what makes ||(wanted - units * scale) S + before|| least.
void fit_row_scales(const FactorBlock& s, std::int64_t row, std::int64_t col, const float* wanted,
                    const float* before, const float* units, TrellisStored& stored);

}  // namespace lq
