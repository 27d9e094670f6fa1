// Products of few rows from codes in tiles, as the warps of a CUDA device make them.
#include "backends/cuda/tile_rows_element.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "backends/few_rows_bound.h"
#include "backends/nf_case.h"
#include "backends/tile_pack.h"
#include "backends/tile_rows_twin.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

TEST(TileRowsElement, ProductsAreWithinTheBoundOfTheirRoundings) {
  int kinds = 0;
  for (const CodebookConfig& config : all_nf_configs()) {
    if (config.block != 64 || config.bits == 5 || config.bits == 6) continue;
    // The first columns' groups share their second-level scale, the others' do not.
    const auto [rows, cols] = kinds++ % 2 == 0 ? std::pair<std::int64_t, std::int64_t>{17, 512}
                                               : std::pair<std::int64_t, std::int64_t>{33, 704};
    NfCase c(config, rows * cols);
    c.view.rows = rows;
    c.view.cols = cols;
    const TilePack tiles(c.view);
    const int n = 1 + kinds % 8;
    auto x = reference::normals(static_cast<std::size_t>(n * cols), 41, 3.0F);
    x[0] = 40000.0F;  // an outlier, as activations have
    std::vector<float> y(static_cast<std::size_t>(n * rows), NAN);
    tile_rows_as_warps(tiles.view, x.data(), n, y.data());
    for (std::int64_t r = 0; r < n; ++r) {
      for (std::int64_t i = 0; i < rows; ++i) {
        const FewRowsBound b = few_rows_bound(c.expected.data() + i * cols, x.data() + r * cols, cols, 2);
        ASSERT_LE(std::abs(y[static_cast<std::size_t>(r * rows + i)] - b.sum), b.bound)
            << to_string(config) << ", row " << i << " of " << rows << " x " << cols << ", " << n;
      }
    }
  }
}

TEST(TileRowsElement, BlocksShareTilesEvenly) {
  const std::vector<std::vector<std::int64_t>> all = {{1}, {688, 688}, {256, 64, 64}, {1, 1, 1, 1}, {397}};
  for (const auto& tiles : all) {
    for (const std::int64_t most : {std::int64_t{4}, std::int64_t{396}}) {
      const auto count = static_cast<int>(tiles.size());
      const cuda::BlockShares shares = cuda::share_tiles(tiles.data(), count, most);
      EXPECT_LE(shares.first[count], most + count);
      std::int64_t sum = 0;
      for (const std::int64_t t : tiles) sum += t;
      for (int i = 0; i < count; ++i) {
        const std::int64_t blocks = shares.first[i + 1] - shares.first[i];
        const std::int64_t of = tiles[static_cast<std::size_t>(i)];
        ASSERT_GE(blocks, 1);
        EXPECT_LE((of + blocks - 1) / blocks, (sum + most - 1) / most);
      }
    }
  }
}

}  // namespace
}  // namespace lq::backends
