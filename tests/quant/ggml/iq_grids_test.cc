#include "quant/ggml/iq_grids.h"

#include <gtest/gtest.h>

namespace lq::ggml {
namespace {

// digits of `bits` bits, each below `values`; points ascending, so that none is there twice.
void expect_grid(std::span<const std::uint16_t> grid, std::size_t points, int bits, unsigned values,
                 const char* name) {
  ASSERT_EQ(grid.size(), points) << name;
  for (std::size_t i = 0; i < points; ++i) {
    EXPECT_TRUE(i == 0 || grid[i] > grid[i - 1]) << name << " point " << i;
    for (int at = 0; at < 16; at += bits) {
      EXPECT_LT((grid[i] >> at) & ((1U << bits) - 1U), values) << name << " point " << i;
    }
  }
}

TEST(IqGrids, HaveAsManyPointsAsTheirIndicesCanNameAndNoneTwice) {
  expect_grid(kIq2XxsGrid, 256, 2, 3, "IQ2_XXS");
  expect_grid(kIq2XsGrid, 512, 2, 3, "IQ2_XS");
  expect_grid(kIq2SGrid, 1024, 2, 3, "IQ2_S");
  expect_grid(kIq1Grid, 2048, 2, 3, "IQ1");
  expect_grid(kIq3XxsGrid, 256, 4, 8, "IQ3_XXS");
  expect_grid(kIq3SGrid, 512, 4, 8, "IQ3_S");
}

}  // namespace
}  // namespace lq::ggml
