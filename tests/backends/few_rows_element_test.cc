// Products of few rows straight from codes, as the warps of a CUDA device make them.
#include "backends/cuda/few_rows_element.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

#include "backends/few_rows_bound.h"
#include "backends/few_rows_twin.h"
#include "backends/nf_case.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

TEST(FewRowsElement, PairsOfAQuadCoverAGroupOnce) {
  for (const int bits : {2, 3, 4, 8}) {
    std::set<int> seen;
    for (int t = 0; t < cuda::kQuad; ++t) {
      for (int pair = 0; pair < cuda::kPairs; ++pair) {
        for (int half = 0; half < 2; ++half) seen.insert(cuda::pair_place(bits, t, pair, half));
      }
    }
    EXPECT_EQ(seen.size(), 64U) << bits;
    EXPECT_EQ(*seen.begin(), 0);
    EXPECT_EQ(*seen.rbegin(), 63);
  }
}

template <int kBits>
void check_pairs() {
  std::vector<std::uint8_t> group(8 * kBits);
  const Rng rng(7);
  for (std::size_t i = 0; i < group.size(); ++i) group[i] = static_cast<std::uint8_t>(rng.below(i, 256));
  for (int t = 0; t < cuda::kQuad; ++t) {
    const auto codes = cuda::load_lane<kBits>(group.data(), t);
    for (int pair = 0; pair < cuda::kPairs; ++pair) {
      const std::uint32_t both = cuda::pair_codes<kBits>(codes, t, pair);
      EXPECT_EQ(both & ((1U << kBits) - 1U),
                cuda::unpack_code(group.data(), cuda::pair_place(kBits, t, pair, 0), kBits));
      EXPECT_EQ(both >> kBits, cuda::unpack_code(group.data(), cuda::pair_place(kBits, t, pair, 1), kBits));
    }
  }
}

TEST(FewRowsElement, PairsAreTheCodesOfTheirPlaces) {
  check_pairs<2>();
  check_pairs<3>();
  check_pairs<4>();
  check_pairs<8>();
}

// What m16n8k16 expects is a partition of its matrices.
TEST(FewRowsElement, FragmentsCoverTheirMatricesOnce) {
  std::set<int> left, right, sums;
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 8; ++i) {
      const auto at = cuda::left_place(lane, i);
      left.insert(at.row * 16 + at.col);
    }
    for (int i = 0; i < 4; ++i) {
      const auto at = cuda::right_place(lane, i);
      right.insert(at.row * 8 + at.col);
      const auto sum = cuda::sum_place(lane, i);
      sums.insert(sum.row * 8 + sum.col);
    }
  }
  EXPECT_EQ(left.size(), 256U);
  EXPECT_EQ(right.size(), 128U);
  EXPECT_EQ(sums.size(), 128U);
}

TEST(FewRowsElement, RowsAreScaledIntoRangeByPowersOfTwo) {
  for (const float largest : {1e-38F, 1e-20F, 0.3F, 1.0F, 511.9F, 512.0F, 7e4F, 1e30F}) {
    const float factor = cuda::row_factor(largest);
    int exponent = 0;
    EXPECT_EQ(std::frexp(factor, &exponent), 0.5F);
    EXPECT_LT(largest * factor, 512.0F);
    EXPECT_GE(largest * factor, largest > 1e-30F ? 256.0F : 0.0F);
  }
  EXPECT_EQ(cuda::row_factor(0.0F), 1.0F);
  EXPECT_EQ(cuda::row_factor(INFINITY), 1.0F);
}

TEST(FewRowsElement, ProductsAreWithinTheBoundOfTheirRoundings) {
  const std::vector<CodebookConfig> all = all_nf_configs();
  for (std::size_t at = 0; at < all.size(); at += 7) {  // every kind of each, in other company
    const CodebookConfig& config = all[at];
    if (config.bits == 5 || config.bits == 6) continue;  // multiplied in f32, as any other layout
    for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{1, 64}, {17, 192}, {33, 704}}) {
      NfCase c(config, rows * cols);
      c.view.rows = rows;
      c.view.cols = cols;
      for (const int n : {1, 3, 8}) {
        auto x = reference::normals(static_cast<std::size_t>(n * cols), 41, 3.0F);
        x[0] = 40000.0F;  // an outlier, as activations have
        std::vector<float> y(static_cast<std::size_t>(n * rows), NAN);
        few_rows_as_warps(c.view, x.data(), n, y.data());
        const double roundings = config.block == 64 ? 2 : 4;
        for (std::int64_t r = 0; r < n; ++r) {
          for (std::int64_t i = 0; i < rows; ++i) {
            const FewRowsBound b =
                few_rows_bound(c.expected.data() + i * cols, x.data() + r * cols, cols, roundings);
            ASSERT_LE(std::abs(y[static_cast<std::size_t>(r * rows + i)] - b.sum), b.bound)
                << to_string(config) << ", row " << i << " of " << rows << " x " << cols << ", " << n;
          }
        }
      }
    }
  }
}

// Each block of a launch belongs to one product, and each product's blocks are numbered from 0.
TEST(FewRowsElement, BlocksAreSharedAmongProducts) {
  const std::vector<std::vector<std::int64_t>> all = {
      {1}, {5, 1}, {256, 64, 64}, {1, 1, 1, 1}, {1000, 1, 30, 7}};
  for (const auto& units : all) {
    for (const std::int64_t most : {std::int64_t{4}, std::int64_t{528}, std::int64_t{1} << 30}) {
      const auto count = static_cast<int>(units.size());
      const cuda::BlockShares shares = cuda::share_blocks(units.data(), count, most);
      std::vector<std::int64_t> seen(units.size());
      for (unsigned block = 0; block < shares.first[count]; ++block) {
        const cuda::BlockPlace place = cuda::place_among(shares, block);
        ASSERT_LT(place.share, count);
        EXPECT_EQ(place.block, seen[static_cast<std::size_t>(place.share)]++);
        EXPECT_EQ(place.blocks, shares.first[place.share + 1] - shares.first[place.share]);
      }
      for (std::size_t i = 0; i < units.size(); ++i) {
        EXPECT_GE(seen[i], 1);
        EXPECT_LE(seen[i], units[i]);
      }
      if (most == std::int64_t{1} << 30) {
        EXPECT_EQ(seen, units) << "a block for each unit where there is room";
      }
    }
  }
  float y = 3.0F;
  cuda::store_few(2.0F, true, 5.0F, &y);
  EXPECT_EQ(y, 13.0F);
  cuda::store_few(2.0F, false, 5.0F, &y);
  EXPECT_EQ(y, 10.0F);
}

}  // namespace
}  // namespace lq::backends
