// One tile of a trellis code: from 16 x 16 weights to its path.
#pragma once

#include <cstdint>

#include "backends/cpu/trellis_search.h"
#include "quant/trellis/trellis_matrix.h"
#include "quant/trellis/trellis_scales.h"

namespace lq {

// Where a tile lies: rows [row, row + rows) and columns [col, col + cols) of the matrix, 1 to 16 each; row
// and col are multiples of 16.
struct TilePlace {
  std::int64_t row = 0;
  std::int64_t rows = 0;
  std::int64_t col = 0;
  std::int64_t cols = 0;
};

// What a tile should become, and how much it matters: (target - value)^2 rows[i] cols[j]. What does not
// matter, beside what does, counts a ten thousandth of what matters most.
struct TileTarget {
  const float* targets = nullptr;  // [rows] `stride` apart, [cols]
  std::int64_t stride = 0;
  const float* rows = nullptr;  // of the tile; null: ones
  const float* cols = nullptr;
};

// For one thread.
class TileCoder {
 public:
  // state_bits: the format's, or fewer for paths that are no more than a draft.
  TileCoder(const TrellisConfig& config, int state_bits)
      : config_(config), search_(config.bits, state_bits) {}

  // Chooses the tile's path under the stored scales, and stores it. units [rows][cols], where not null,
  // become the values of its states, whole numbers. What the fit takes of its blocks is added where that is
  // not null.
  void code(const TilePlace& place, const TileTarget& target, TrellisStored& stored, float* units,
            TrellisFit* fit);

 private:
  TrellisConfig config_;
  backends::TrellisSearch search_;
};

}  // namespace lq
