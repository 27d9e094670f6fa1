// What the integer kernels of trellis codes multiply by.
#include "backends/cpu/trellis_input.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "backends/trellis_case.h"

namespace lq::backends {
namespace {

struct RoundedInput {
  RoundedInput(std::int64_t cols, int block, const std::vector<float>& x, std::int64_t count,
               TrellisInputForm form)
      : c(2, 12, block, 16, cols),
        scratch(static_cast<std::size_t>(trellis_input_scratch(c.view, count)) + 16, -7.0F) {
    float* const at = scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) % 64 / 4;
    in = trellis_round_input(c.view, x.data(), count, form, at);
  }

  TrellisCase c;
  std::vector<float> scratch;
  TrellisInput in{};
};

TEST(TrellisInput, WordsAreTheNearestOfTheirBlocksSteps) {
  std::vector<float> x(100, 0.0F);
  x[0] = 2.0F;  // the first block's largest
  x[1] = -1.0F;
  x[63] = 0.5F;
  x[64] = -0.25F;  // the second's
  x[99] = 0.125F;
  const RoundedInput r(100, 64, x, 1, TrellisInputForm::kWords);
  EXPECT_EQ(r.in.bytes, nullptr);
  EXPECT_EQ(r.in.tiles, 7);
  EXPECT_EQ(r.in.blocks, 2);
  EXPECT_EQ(r.in.vectors, 1);
  EXPECT_FLOAT_EQ(r.in.step[0], 2.0F / 16383);
  EXPECT_FLOAT_EQ(r.in.step[1], 0.25F / 16383);
  EXPECT_EQ(r.in.words[0], 16383);
  EXPECT_EQ(r.in.words[1], -8192);  // 8191.5, to even
  EXPECT_EQ(r.in.words[63], 4096);
  EXPECT_EQ(r.in.words[64], -16383);
  EXPECT_EQ(r.in.words[99], 8192);
  for (int k = 100; k < 112; ++k) EXPECT_EQ(r.in.words[k], 0) << k;  // the last tile's rest
  EXPECT_EQ(r.in.centre[0], -kTrellisCentre * (16383 - 8192 + 4096));
  EXPECT_EQ(r.in.centre[1], -kTrellisCentre * (8192 - 16383));
}

TEST(TrellisInput, BytesStandFourTimes) {
  std::vector<float> x(48);
  for (std::size_t k = 0; k < x.size(); ++k) x[k] = static_cast<float>(k) - 20.0F;
  x[5] = 127.0F;
  x[40] = -127.0F;  // the second block's largest
  const RoundedInput r(48, 32, x, 1, TrellisInputForm::kBytes);
  EXPECT_EQ(r.in.words, nullptr);
  for (int k = 0; k < 48; ++k) {
    for (int copy = 0; copy < 4; ++copy)
      EXPECT_EQ(r.in.bytes[4 * k + copy], x[static_cast<std::size_t>(k)]) << k;
  }
  EXPECT_EQ(r.in.step[0], 1.0F);
  EXPECT_EQ(r.in.step[1], 1.0F);
}

TEST(TrellisInput, VectorsBeyondTheCountAreZero) {
  const std::vector<float> x(2 * 32, 3.0F);
  for (const auto form : {TrellisInputForm::kWords, TrellisInputForm::kBytes}) {
    const RoundedInput r(32, 32, x, 2, form);
    ASSERT_EQ(r.in.vectors, 4);
    EXPECT_EQ(r.in.count, 2);
    for (int j = 0; j < 4; ++j) {
      EXPECT_EQ(r.in.step[j] > 0.0F, j < 2) << j;
      for (int k = 0; k < 32; ++k) {
        const int at = j * 32 + k;
        const int value = form == TrellisInputForm::kWords ? r.in.words[at] : r.in.bytes[4 * at];
        EXPECT_EQ(value != 0, j < 2) << j << ' ' << k;
      }
    }
  }
}

TEST(TrellisInput, ABlockWithNoNumberSaysSoByItsStepAlone) {
  std::vector<float> x(64, 1.0F);
  x[40] = std::numeric_limits<float>::infinity();
  const RoundedInput r(64, 32, x, 1, TrellisInputForm::kWords);
  EXPECT_FLOAT_EQ(r.in.step[0], 1.0F / 16383);
  EXPECT_TRUE(std::isnan(r.in.step[1]));
  EXPECT_EQ(r.in.words[33], 0);
  EXPECT_EQ(r.in.centre[1], 0);
}

TEST(TrellisInput, NumbersTooSmallToScaleAreZero) {
  const std::vector<float> x(32, std::numeric_limits<float>::denorm_min());
  for (const auto form : {TrellisInputForm::kWords, TrellisInputForm::kBytes}) {
    const RoundedInput r(32, 32, x, 1, form);
    EXPECT_EQ(r.in.centre[0], 0);
    EXPECT_TRUE(std::isfinite(r.in.step[0]));
  }
}

}  // namespace
}  // namespace lq::backends
