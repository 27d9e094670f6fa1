// Scales of blocks: what they ask for, the two levels, and the fit.
#include "quant/trellis/trellis_scales.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "reference/dense_matrix.h"

namespace lq {
namespace {

TEST(TrellisScales, FollowTheDeviationOfEachBlock) {
  ThreadPool pool(2);
  auto w = reference::normal_matrix(40, 100, 3);  // blocks of 64 and 36
  for (std::int64_t j = 64; j < 100; ++j) w[static_cast<std::size_t>(7 * 100 + j)] *= 8.0F;
  const auto targets = trellis_scale_targets(pool, {2, 12, 64}, w.data(), 40, 100, {});
  ASSERT_EQ(targets.size(), 80U);
  for (std::size_t j = 0; j < 80; ++j) {
    const auto i = static_cast<std::int64_t>(j / 2);
    const std::int64_t begin = j % 2 * 64, end = j % 2 == 0 ? 64 : 100;
    double square = 0.0, largest = 0.0;
    for (std::int64_t k = begin; k < end; ++k) {
      const double x = w[static_cast<std::size_t>(i * 100 + k)];
      square += x * x;
      largest = std::max(largest, std::abs(x));
    }
    const double deviation = std::sqrt(square / static_cast<double>(end - begin));
    const double in_deviations = targets[j] * 147.8 / deviation;
    EXPECT_GE(in_deviations, 1.034);
    EXPECT_LE(in_deviations, largest / deviation > 2.8 * 1.035 ? 1.5 : 1.036) << j;
  }
}

TEST(TrellisScales, WidenForAWeightFarOut) {
  ThreadPool pool(1);
  auto w = reference::normal_matrix(1, 64, 3);
  const float tame = trellis_scale_targets(pool, {3, 12, 64}, w.data(), 1, 64, {})[0];
  w[20] = 30.0F;
  const float wide = trellis_scale_targets(pool, {3, 12, 64}, w.data(), 1, 64, {})[0];
  EXPECT_GT(wide * 510.0F, 20.0F);
  std::vector<float> cols(64, 1.0F);
  cols[20] = 0.0F;  // where it does not matter they stay
  const float unmoved = trellis_scale_targets(pool, {3, 12, 64}, w.data(), 1, 64, {.cols = cols.data()})[0];
  EXPECT_NEAR(unmoved, tame, 0.1 * tame);
  std::fill(cols.begin(), cols.end(), 0.0F);  // nothing matters: as if all did
  EXPECT_EQ(trellis_scale_targets(pool, {3, 12, 64}, w.data(), 1, 64, {.cols = cols.data()})[0], wide);
}

TEST(TrellisScales, TwoLevelsComeNearTheTargets) {
  TrellisStored stored(300, 64, {2, 12, 64}, "m");
  std::vector<float> targets(300);
  for (std::size_t j = 0; j < 300; ++j) targets[j] = 0.5F + static_cast<float>(j % 17);
  store_trellis_scales(targets, stored);
  EXPECT_EQ(stored.offset, 0.5F);
  EXPECT_EQ(stored.scales2, (std::vector<float>{16.0F, 16.0F}));
  for (std::int64_t j = 0; j < 300; ++j)
    EXPECT_NEAR(stored.scale(j), targets[static_cast<std::size_t>(j)], 0.5001 * 16 / 255);

  // All alike, zeros, and the largest there are.
  for (const float x : {0.0F, 3.0F, trellis_most_scale()}) {
    store_trellis_scales(std::vector<float>(300, x), stored);
    for (std::int64_t j = 0; j < 300; ++j) EXPECT_EQ(stored.scale(j), x);
  }
}

TEST(TrellisScales, TheFitIsThatOfLeastSquares) {
  TrellisStored stored(2, 128, {2, 12, 64}, "m");
  store_trellis_scales({1.0F, 2.0F, 3.0F, 4.0F}, stored);
  TrellisFit fit(stored);
  fit.products = {2.6, 100.0, 0.0, -5.0};
  fit.squares = {2.0, 1.0, 0.0, 1.0};
  refit_trellis_scales(fit, stored);
  EXPECT_NEAR(stored.scale(0), 1.3F, 3.0F / 255);
  EXPECT_FLOAT_EQ(stored.scale(1), 4.0F);          // no further than the levels go
  EXPECT_NEAR(stored.scale(2), 3.0F, 3.0F / 255);  // nothing known of it
  EXPECT_FLOAT_EQ(stored.scale(3), 1.0F);
}

}  // namespace
}  // namespace lq
