// Products of few rows straight from trellis codes, as the lanes of a CUDA device's warps make them.
#include "backends/cuda/trellis_rows_element.h"

#include <gtest/gtest.h>

#include <vector>

#include "backends/trellis_case.h"

namespace lq::backends {
namespace {

TEST(TrellisRowsElement, EveryStatesValueIsExactInHalfPrecision) {
  for (std::uint32_t state = 0; state < 65536; ++state) {
    const std::uint32_t other = 65535 - state;
    const std::uint32_t pair = cuda::state_pair(state, other);
    ASSERT_EQ(cuda::float_of_half(pair & 0xffffU), static_cast<float>(cuda::trellis_state_value(state)));
    ASSERT_EQ(cuda::float_of_half(pair >> 16), static_cast<float>(cuda::trellis_state_value(other)));
  }
}

template <int kBits>
void check_tile() {
  const std::vector<std::uint8_t> tile = TrellisCase::bytes(32 * kBits, 9);
  for (const int state_bits : {10, 13, 16}) {
    std::vector<int> times(256);
    for (int lane = 0; lane < 32; ++lane) {
      std::uint32_t left[4];
      cuda::tile_values<kBits>(tile.data(), state_bits, lane, left);
      for (int i = 0; i < 8; ++i) {
        // The order of columns is the lane's own: elements 0, 1 and 4, 5 of row g are columns 4 t and on.
        const int row = cuda::left_place(lane, i).row;
        const int col = 4 * (lane % 4) + i % 2 + i / 4 * 2;
        ++times[static_cast<std::size_t>(16 * row + col)];
        const float have = cuda::float_of_half(left[i / 2] >> (16 * (i % 2)) & 0xffffU);
        const std::uint32_t state = cuda::trellis_state_at(tile.data(), kBits, state_bits, row, col);
        ASSERT_EQ(have, static_cast<float>(cuda::trellis_state_value(state)))
            << kBits << " bits, states of " << state_bits << ", " << row << ", " << col;
      }
    }
    EXPECT_EQ(times, std::vector<int>(256, 1));
  }
}

TEST(TrellisRowsElement, LanesHaveEveryElementOfATileOnce) {
  check_tile<2>();
  check_tile<3>();
  check_tile<4>();
}

// x of a tile's columns lies where x in its own order has them.
TEST(TrellisRowsElement, LanesTakeTheColumnsOfTheirTile) {
  constexpr std::int64_t kCols = 128;
  std::vector<float> x(kCols);
  for (std::size_t k = 0; k < x.size(); ++k) x[k] = static_cast<float>(k);
  std::vector<std::uint16_t> ordered(kCols * cuda::kTileCols);
  for (const int row : {0, 5}) {
    cuda::order_row<8>(kCols, x.data(), row, 1.0F, 0, 1, ordered.data());
    for (std::int64_t group = 0; group < 2; ++group) {
      for (int tile = 0; tile < cuda::kGroupTiles; ++tile) {
        for (int t = 0; t < 4; ++t) {
          for (int i = 0; i < cuda::kTrellisRun; ++i) {
            const auto at = static_cast<std::size_t>(cuda::tile_x_place(group, tile, row, t) + i);
            ASSERT_EQ(cuda::float_of_half(ordered[at]),
                      static_cast<float>(64 * group + 16 * tile + 4 * t + i));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace lq::backends
