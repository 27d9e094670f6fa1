// Scales of a trellis code, and what its tiles are chosen by, as CUDA threads compute them: the processor's
// bits.
#include "backends/cuda/trellis_scale_element.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backends/cuda/trellis_tile_element.h"
#include "quant/trellis/strip_fit.h"
#include "quant/trellis/tile_coder.h"
#include "quant/trellis/trellis_reference.h"
#include "quant/trellis/trellis_scales.h"
#include "reference/dense_matrix.h"

namespace lq::backends {
namespace {

cuda::TrellisCodes codes_of(TrellisStored& stored) {
  cuda::TrellisCodes c;
  c.rows = stored.rows;
  c.cols = stored.cols;
  c.bits = stored.config.bits;
  c.state_bits = stored.config.state_bits;
  c.block = stored.config.block;
  c.tiles = stored.sizes.tiles;
  c.blocks = stored.sizes.blocks;
  c.codes = stored.codes.data();
  c.scales = stored.scales.data();
  c.scales2 = stored.scales2.data();
  c.offset = &stored.offset;
  return c;
}

// Normal weights, some far out, a row of zeros; one block that nothing matters of.
struct ScaleCase {
  std::int64_t rows = 9, cols = 300;
  std::vector<float> w = reference::normal_matrix(9, 300, 41);
  std::vector<float> col_weights = reference::normal_matrix(1, 300, 42);

  ScaleCase() {
    for (std::size_t i = 0; i < w.size(); i += 101) w[i] *= 12.0F;
    std::fill_n(w.begin() + 300, 300, 0.0F);
    for (std::size_t j = 0; j < col_weights.size(); ++j)
      col_weights[j] = j < 64 ? 0.0F : col_weights[j] * col_weights[j];
    w.back() = std::numeric_limits<float>::max();
  }
};

TEST(TrellisScaleElement, ScalesAreTheProcessorsBitForBit) {
  const ScaleCase c;
  ThreadPool pool(1);
  for (const TrellisConfig& config : {TrellisConfig{2, 12, 64}, TrellisConfig{3, 12, 32}, {4, 12, 256}}) {
    for (const bool weighted : {false, true}) {
      const float* const importance = weighted ? c.col_weights.data() : nullptr;
      const std::vector<float> want =
          trellis_scale_targets(pool, config, c.w.data(), c.rows, c.cols, {nullptr, importance});
      TrellisStored stored(c.rows, c.cols, config, "m");
      store_trellis_scales(want, stored);
      const cuda::TrellisCodes there = codes_of(stored);
      for (std::int64_t index = 0; index < std::ssize(want); ++index) {
        const auto at = static_cast<std::size_t>(index);
        const std::int64_t col = index % stored.sizes.blocks * config.block;
        const float have =
            cuda::trellis_scale_target(config.bits, c.w.data() + index / stored.sizes.blocks * c.cols + col,
                                       importance == nullptr ? nullptr : importance + col,
                                       std::min<std::int64_t>(config.block, c.cols - col));
        ASSERT_EQ(have, want[at]) << to_string(config) << " block " << index;
        const std::uint8_t code =
            cuda::trellis_scale_code(have, stored.offset, cuda::trellis_step(there, index));
        ASSERT_EQ(code, stored.scales[at]) << to_string(config) << " block " << index;
        ASSERT_EQ(cuda::trellis_scale(there, index), stored.scale(index));
      }
    }
  }
}

TEST(TrellisScaleElement, FitsAreTheProcessors) {
  ScaleCase c;
  c.w.back() = 1.0F;  // so that a code is a step worth taking
  ThreadPool pool(1);
  const TrellisConfig config{2, 12, 32};
  TrellisStored want(c.rows, c.cols, config, "m");
  store_trellis_scales(trellis_scale_targets(pool, config, c.w.data(), c.rows, c.cols, {}), want);
  TrellisStored have = want;
  TrellisFit fit(want);
  const std::vector<float> products = reference::normal_matrix(1, std::ssize(fit.products), 43);
  for (std::size_t i = 0; i < fit.products.size(); ++i) {
    fit.squares[i] = i % 7 == 0 ? 0.0 : 1.0 + products[i] * products[i];
    fit.products[i] = 100.0 * want.scale(static_cast<std::int64_t>(i)) * products[i];
  }
  refit_trellis_scales(fit, want);
  const cuda::TrellisFitSums sums{fit.products.data(), fit.squares.data()};
  for (std::int64_t index = 0; index < std::ssize(fit.products); ++index)
    cuda::refit_scale(sums, index, codes_of(have));
  EXPECT_EQ(have.scales, want.scales);

  // One row's blocks to what feedback makes of their errors, the last of them short.
  const std::int64_t order = 108;
  const std::int64_t col = 192;
  std::vector<float> s = reference::normal_matrix(order, order, 44);
  for (std::int64_t i = 0; i < order; ++i) {
    for (std::int64_t j = i; j < order; ++j)
      s[static_cast<std::size_t>(i * order + j)] = j == i ? 2.0F : 0.0F;
  }
  const std::vector<float> wanted = reference::normal_matrix(1, order, 45);
  const std::vector<float> before = reference::normal_matrix(1, order, 46);
  std::vector<float> units = reference::normal_matrix(1, order, 47);
  for (float& unit : units) unit = std::nearbyint(150.0F * unit);
  const std::int64_t row = 4;
  fit_row_scales({s.data(), order, order}, row, col, wanted.data(), before.data(), units.data(), want);
  const cuda::TrellisCodes there = codes_of(have);
  const std::int64_t first = row * there.blocks + col / config.block;
  const int blocks = 4;
  std::vector<float> errors(static_cast<std::size_t>(order));
  std::vector<double> left(before.begin(), before.end());
  std::vector<double> made(static_cast<std::size_t>(blocks * order), 0.0);
  for (std::int64_t j = 0; j < order; ++j) {
    const auto at = static_cast<std::size_t>(j);
    errors[at] = wanted[at] - units[at] * cuda::trellis_scale(there, first + j / config.block);
  }
  for (int j = 0; j < order; ++j) {
    cuda::add_factor_column(s.data(), order, 0, order, errors.data(), j, left[static_cast<std::size_t>(j)]);
    for (int b = 0; b < blocks; ++b) {
      cuda::add_factor_column(s.data(), order, b * config.block, std::min<int>(order, (b + 1) * config.block),
                              units.data(), j, made[static_cast<std::size_t>(b * order + j)]);
    }
  }
  int changed = 0;
  for (int round = 0; round < cuda::kFitRounds; ++round) {
    for (int b = blocks - 1; b >= 0; --b) {
      const double step = cuda::trellis_step(there, first + b);
      const double* const share = &made[static_cast<std::size_t>(b * order)];
      const int by = cuda::fitted_change(there.scales[first + b], step, left.data(), share, order);
      there.scales[first + b] = static_cast<std::uint8_t>(there.scales[first + b] + by);
      changed += by != 0 ? 1 : 0;
      for (std::int64_t j = 0; j < order; ++j) left[static_cast<std::size_t>(j)] -= by * step * share[j];
    }
  }
  EXPECT_GT(changed, 0);
  EXPECT_EQ(have.scales, want.scales);
}

// What a fit takes of a cut tile, and its importance: those of TileCoder.
TEST(TrellisScaleElement, TilesAddToFitsAsTheProcessors) {
  const std::int64_t rows = 11;
  const std::int64_t cols = 13;
  const TrellisConfig config{3, 10, 32};
  const std::vector<float> w = reference::normal_matrix(rows, cols, 48);
  std::vector<float> by_row = reference::normal_matrix(1, rows, 49);
  std::vector<float> by_col = reference::normal_matrix(1, cols, 50);
  for (auto* side : {&by_row, &by_col})
    std::ranges::transform(*side, side->begin(), [](float x) { return x * x; });
  by_col[3] = 0.0F;
  ThreadPool pool(1);
  TrellisStored stored(rows, cols, config, "m");
  store_trellis_scales(trellis_scale_targets(pool, config, w.data(), rows, cols, {}), stored);
  TrellisFit fit(stored);
  TileCoder coder(config, config.state_bits);
  coder.code({0, rows, 0, cols}, {w.data(), cols, by_row.data(), by_col.data()}, stored, nullptr, &fit);
  const cuda::TileAt tile = cuda::tile_at(codes_of(stored), 0, 0);
  EXPECT_EQ(tile.rows, rows);
  EXPECT_EQ(tile.cols, cols);
  float most = 0.0F;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < cols; ++j)
      most = std::max(most, cuda::tile_importance(by_row.data(), by_col.data(), i, j));
  }
  std::vector<float> wanted(kTrellisTile), importance(kTrellisTile);
  std::vector<std::uint16_t> states;
  for (int t = 0; t < kTrellisTile; ++t) {
    states.push_back(
        static_cast<std::uint16_t>(trellis_state(stored.codes.data(), config.bits, config.state_bits, t)));
    const int i = t % kTrellisSide;
    const int j = t / kTrellisSide;
    if (i >= rows || j >= cols) continue;
    wanted[static_cast<std::size_t>(t)] = w[static_cast<std::size_t>(i * cols + j)];
    importance[static_cast<std::size_t>(t)] =
        cuda::relative_importance(cuda::tile_importance(by_row.data(), by_col.data(), i, j), most);
  }
  for (int i = 0; i < rows; ++i) {
    double product = 0.0;
    double square = 0.0;
    cuda::add_to_fit(tile, i, most, wanted.data(), importance.data(), states.data(), product, square);
    EXPECT_EQ(product, fit.products[static_cast<std::size_t>(i)]) << i;
    EXPECT_EQ(square, fit.squares[static_cast<std::size_t>(i)]) << i;
  }
}

// x B = x, and the lengths of B's rows, for a block that ends a factor.
TEST(TrellisScaleElement, TilesAreMovedByTheirBlockOfTheFactor) {
  const std::int64_t n = 29;
  std::vector<float> s = reference::normal_matrix(n, n, 51);
  for (std::int64_t i = 0; i < n; ++i) s[static_cast<std::size_t>(i * n + i)] = 3.0F;
  const int m = 13;
  const std::vector<float> given = reference::normal_matrix(1, m, 52);
  std::vector<float> x = given;
  cuda::solve_tile(s.data(), n, 16, m, x.data());
  for (int j = 0; j < m; ++j) {
    double sum = 0.0;
    double size = 0.0;
    for (int k = j; k < m; ++k) {
      const double term =
          double{x[static_cast<std::size_t>(k)]} * s[static_cast<std::size_t>((16 + k) * n + 16 + j)];
      sum += term;
      size += std::abs(term);
    }
    // One rounding a term, of what is at most the sum of magnitudes.
    EXPECT_NEAR(sum, given[static_cast<std::size_t>(j)], (m + 2) * 0x1p-24 * size) << j;
    double length = 0.0;
    for (int k = 0; k <= j; ++k)
      length += std::pow(double{s[static_cast<std::size_t>((16 + j) * n + 16 + k)]}, 2);
    EXPECT_NEAR(cuda::tile_length(s.data(), n, 16, j), length, (m + 1) * 0x1p-24 * length);
  }
}

}  // namespace
}  // namespace lq::backends
