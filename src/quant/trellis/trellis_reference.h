// The codec that defines the trellis format, in plain loops (docs/formats/tcq.md says the same in words).
// Decoding is f32 with one IEEE rounding per operation; the search for a tile's path is in whole numbers. The
// fast kernels give the same bits.
#pragma once

#include <cstdint>

#include "backends/cpu/trellis_search.h"
#include "backends/trellis_view.h"

namespace lq {

// The value of a state, -510 to 510.
int trellis_value(std::uint32_t state);

// The state of element t of a tile: bits t * bits .. + state_bits - 1 of its 256 * bits bits, from the last
// one on again from the first. tile: 32 * bits bytes.
std::uint32_t trellis_state(const std::uint8_t* tile, int bits, int state_bits, int t);

// out[i] = element begin + i, for i < count, of the matrix [rows, cols] flattened row-major.
void trellis_reference_decode(const backends::TrellisView& view, std::int64_t cols, std::int64_t begin,
                              std::int64_t count, float* out);

// What backends::TrellisSearch::run gives, state by state.
void trellis_reference_search(int bits, int state_bits, const backends::TrellisSteps& steps,
                              std::uint16_t* states);

}  // namespace lq
