#include "nn/rope_scaling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace lq {
namespace {

// With theta 10000 and 8 dimensions these are 1, 0.1, 0.01 and 0.001.
constexpr std::int64_t kRopeDim = 8;

void expect_frequencies(const std::vector<float>& have, const std::vector<double>& want) {
  ASSERT_EQ(have.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(have[i], want[i], 1e-6 * want[i]) << i;
}

RopeConfig scaled_rope(RopeType type, double factor) {
  RopeConfig config;
  config.type = type;
  config.factor = factor;
  config.max_positions = config.original_positions = 1024;
  return config;
}

TEST(RopeScaling, DefaultFrequenciesArePowersOfTheta) {
  expect_frequencies(rope_frequencies({}, kRopeDim, 100000), {1.0, 0.1, 0.01, 0.001});
  RopeConfig config;
  config.theta = 16.0;
  expect_frequencies(rope_frequencies(config, 4, 1), {1.0, 0.25});
}

TEST(RopeScaling, AShareOfTheHeadTurnsAsAHeadOfThatSize) {
  RopeConfig config;
  config.share = 0.25;
  EXPECT_EQ(config.dims(64), 16);
  EXPECT_EQ(config.dims(20), 4) << "an even number, not 5";
  EXPECT_EQ(RopeConfig().dims(20), 20);
  EXPECT_EQ(rope_frequencies(config, 32, 1), rope_frequencies({}, 8, 1));
}

TEST(RopeScaling, LinearDividesThem) {
  expect_frequencies(rope_frequencies(scaled_rope(RopeType::kLinear, 4.0), kRopeDim, 1),
                     {0.25, 0.025, 0.0025, 0.00025});
}

// At twice the context with factor 2 the base is stretched by 2 * 2 - 1 = 3 to the power 8 / 6.
TEST(RopeScaling, DynamicStretchesTheBaseBeyondTheContext) {
  const RopeConfig config = scaled_rope(RopeType::kDynamic, 2.0);
  expect_frequencies(rope_frequencies(config, kRopeDim, 1024), {1.0, 0.1, 0.01, 0.001});
  const double base = 10000.0 * std::pow(3.0, 8.0 / 6.0);
  expect_frequencies(rope_frequencies(config, kRopeDim, 2048),
                     {1.0, std::pow(base, -0.25), std::pow(base, -0.5), std::pow(base, -0.75)});
}

// Waves of 6.3, 63, 628 and 6283 positions against a context of 1024: those below 1024 / 4 stay, those above
// 1024 are divided, and the third lies between.
TEST(RopeScaling, Llama3DividesLongWavesOnly) {
  const double smooth = (1024.0 / (200.0 * std::numbers::pi) - 1.0) / 3.0;
  expect_frequencies(rope_frequencies(scaled_rope(RopeType::kLlama3, 8.0), kRopeDim, 1),
                     {1.0, 0.1, (1.0 - smooth) * 0.01 / 8.0 + smooth * 0.01, 0.001 / 8.0});
}

// beta_fast lies at dimension 0.71, beta_slow at 2.21 (floor and ceiling: 0 and 3): a ramp of thirds.
TEST(RopeScaling, YarnMixesByARamp) {
  expect_frequencies(rope_frequencies(scaled_rope(RopeType::kYarn, 4.0), kRopeDim, 1),
                     {1.0, 0.1 * 0.75, 0.01 * 0.5, 0.001 * 0.25});
}

TEST(RopeScaling, YarnWithoutTruncationKeepsTheBoundsAsTheyAre) {
  RopeConfig config = scaled_rope(RopeType::kYarn, 4.0);
  config.truncate = false;
  const auto dimension = [](double rotations) {
    return 8.0 * std::log(1024.0 / (rotations * 2.0 * std::numbers::pi)) / (2.0 * std::log(10000.0));
  };
  const double low = dimension(32.0), high = dimension(1.0);
  const auto kept = [&](double i) { return 1.0 - 0.75 * (i - low) / (high - low); };
  expect_frequencies(rope_frequencies(config, kRopeDim, 1),
                     {1.0, 0.1 * kept(1), 0.01 * kept(2), 0.001 * 0.25});
  config.beta_slow = config.beta_fast;  // a step, not a division by 0
  expect_frequencies(rope_frequencies(config, kRopeDim, 1), {1.0, 0.1 / 4, 0.01 / 4, 0.001 / 4});
}

TEST(RopeScaling, LongRopeHasTwoSetsOfFactors) {
  RopeConfig config = scaled_rope(RopeType::kLongRope, 4.0);
  config.short_factor = {1.0, 2.0, 4.0, 5.0};
  config.long_factor = {2.0, 4.0, 8.0, 10.0};
  expect_frequencies(rope_frequencies(config, kRopeDim, 1024), {1.0, 0.05, 0.0025, 0.0002});
  expect_frequencies(rope_frequencies(config, kRopeDim, 1025), {0.5, 0.025, 0.00125, 0.0001});
}

TEST(RopeScaling, AttentionFactors) {
  EXPECT_EQ(yarn_attention_factor(1.0), 1.0);
  EXPECT_EQ(yarn_attention_factor(0.5), 1.0);
  EXPECT_DOUBLE_EQ(yarn_attention_factor(std::exp(2.0)), 1.2);
  EXPECT_DOUBLE_EQ(yarn_attention_factor(std::exp(2.0), 0.5), 1.1);
  EXPECT_EQ(long_rope_attention_factor(1.0, 4096), 1.0);
  EXPECT_DOUBLE_EQ(long_rope_attention_factor(32.0, 4096), std::sqrt(1.0 + 5.0 / 12.0)) << "2^5 and 2^12";
}

}  // namespace
}  // namespace lq
