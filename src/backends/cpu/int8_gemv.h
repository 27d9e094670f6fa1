// The coarser of the two integer products of nf_gemv.h, for one vector: code values of at most 8 bits times
// activations of some 7.5, so that a pair of products fits 16 bits.
#pragma once

#include <cstdint>

#include "backends/nf_view.h"

namespace lq::backends {

// The split of 15 bits between values and activations that makes the expected error of their product least
// (codes equally frequent, normal activations). bits <= 4; codebook ascending.
NfGemvLevels nf_gemv_levels(const float* codebook, int bits);

struct Int8GemvInput {
  const std::int8_t* x;  // [cols]
  const float* step;     // [cols / block]: what 1 of x is worth in a block
  const float* sum;      // [cols / block]: step * sum of x over a block
};

// Whether this processor and this matrix have such a product: at most 4 bits, whole groups in a row.
bool int8_gemv_has(const NfView& view);

// Rounds x: [view.cols], each 64 under a scale of their own; a group that is not finite gets a scale of NaN.
// scratch: cols / 4 + 2 (cols / block) floats, to which the result points.
Int8GemvInput int8_gemv_round(const NfView& view, const NfGemvLevels& levels, const float* x, float* scratch);

// y[i] for rows [begin, end). REQUIRES: int8_gemv_has(view).
void int8_gemv_rows(const NfView& view, const NfGemvLevels& levels, const Int8GemvInput& in,
                    std::int64_t begin, std::int64_t end, float* y);

}  // namespace lq::backends
