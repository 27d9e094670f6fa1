// One tile: what it stores is what it says, padding or not.
#include "quant/trellis/tile_coder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "quant/trellis/trellis_reference.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

TEST(TileCoder, StoresTheUnitsThatItGives) {
  ThreadPool pool(1);
  constexpr std::int64_t kRows = 21, kCols = 50;
  const auto w = reference::normal_matrix(kRows, kCols, 5);
  const TrellisConfig config{3, 12, 32};
  TrellisStored stored(kRows, kCols, config, "m");
  store_trellis_scales(trellis_scale_targets(pool, config, w.data(), kRows, kCols, {}), stored);
  TrellisFit fit(stored);
  TileCoder coder(config, 12);
  double error = 0.0;
  for (const std::int64_t row : {0, 16}) {
    for (const std::int64_t col : {0, 16, 32, 48}) {
      const TilePlace place{row, std::min<std::int64_t>(16, kRows - row), col,
                            std::min<std::int64_t>(16, kCols - col)};
      std::vector<float> units(static_cast<std::size_t>(place.rows * place.cols));
      coder.code(place, {.targets = w.data() + row * kCols + col, .stride = kCols}, stored, units.data(),
                 &fit);
      for (std::int64_t i = 0; i < place.rows; ++i) {
        for (std::int64_t j = 0; j < place.cols; ++j) {
          float read;
          trellis_reference_decode(stored.view().trellis, kCols, (row + i) * kCols + col + j, 1, &read);
          const float scale = stored.scale((row + i) * 2 + col / 32);
          ASSERT_EQ(units[static_cast<std::size_t>(i * place.cols + j)] * scale, read);
          error += std::pow(double{read} - w[static_cast<std::size_t>((row + i) * kCols + col + j)], 2);
        }
      }
    }
  }
  EXPECT_LT(error / (kRows * kCols), 0.03);
  // The sums of the fit are those of what was stored, blocks of 32 and 18 columns.
  for (std::int64_t j = 0; j < 2 * kRows; ++j) {
    double products = 0.0, squares = 0.0;
    for (std::int64_t k = j % 2 * 32; k < (j % 2 == 0 ? 32 : kCols); ++k) {
      const std::int64_t at = j / 2 * kCols + k;
      float read;
      trellis_reference_decode(stored.view().trellis, kCols, at, 1, &read);
      const double value = std::nearbyint(read / stored.scale(j));
      products += value * w[static_cast<std::size_t>(at)];
      squares += value * value;
    }
    const auto index = static_cast<std::size_t>(j);
    EXPECT_NEAR(fit.products[index], products, 1e-6 * squares);
    EXPECT_NEAR(fit.squares[index], squares, 1e-6 * squares);
  }
}

TEST(TileCoder, RowsAndColumnsThatMatterErrLess) {
  ThreadPool pool(1);
  const auto w = reference::normal_matrix(16, 16, 6);
  const TrellisConfig config{2, 12, 64};
  TrellisStored stored(16, 16, config, "m");
  store_trellis_scales(trellis_scale_targets(pool, config, w.data(), 16, 16, {}), stored);
  std::vector<float> rows(16, 1.0F), cols(16, 1.0F), units(256);
  rows[3] = 400.0F;
  cols[9] = 400.0F;
  TileCoder coder(config, 12);
  coder.code({0, 16, 0, 16}, {w.data(), 16, rows.data(), cols.data()}, stored, units.data(), nullptr);
  double much = 0.0, little = 0.0;
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 16; ++j) {
      const double square =
          std::pow(double{units[16 * i + j]} * stored.scale(static_cast<std::int64_t>(i)) - w[16 * i + j], 2);
      if ((i == 3) != (j == 9)) much += square / 30.0;
      if (i != 3 && j != 9) little += square / 225.0;
    }
  }
  EXPECT_LT(much, 0.3 * little);
}

}  // namespace
}  // namespace lq
