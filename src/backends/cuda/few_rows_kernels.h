// What the kernels of few rows share. Internal to backends/cuda.
#pragma once

#include <cstdint>

#include "backends/cuda/few_rows_element.h"
#include "backends/cuda/product.h"

namespace lq::backends::cuda {

inline constexpr int kFewThreads = kLanes * kFewWarps;
static_assert(kMostFewProducts <= kMostShares);

// Products that one launch computes: each has blocks of its own. As a constant of the grid it is read where
// it lies, whichever product a block has.
struct FewTogether {
  FewProduct product[kMostFewProducts];
  BlockShares shares;
};

// Rows of x in half precision, in the order that codes of so many bits want (few_rows_element.h).
struct OrderedRows {
  const std::uint16_t* x;
  const float* factors;  // a row; what undoes its scaling
};
// Valid until the next call.
OrderedRows order_few_rows(DeviceQueue& queue, int bits, const float* x, int rows, std::int64_t cols);

// Products with one x from codes in tiles of one number of bits. REQUIRES: a card of 8.0 or above.
void multiply_tiled(DeviceQueue& queue, FewTogether& all, int count, int rows);
// The same from trellis codes of one number of bits, all with blocks of 32 columns or none.
void multiply_trellises(DeviceQueue& queue, FewTogether& all, int count, int rows);

}  // namespace lq::backends::cuda
