// Activations rounded for the integer kernel: their order, their steps, what is not finite.
#include "backends/cpu/nf_gemv_input.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace lq::backends {
namespace {

// Position e of a group holds this element.
int source(int e) { return e / 32 * 32 + (e & 7) + ((e & 8) << 1) + ((e & 16) >> 1); }

TEST(NfGemvInput, EachGroupIsRoundedUnderItsLargest) {
  std::vector<float> x(2 * 128);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = (i % 3 == 0 ? -1.0F : 1.0F) * static_cast<float>(i % 61) * (i < 64 ? 1e-3F : 7.0F);
  }
  std::vector<std::int16_t> to(2 * 4 * 64, 99);
  std::vector<float> scale(2 * 4, 99.0F);
  nf_gemv_round(x.data(), 128, 2, 4, to.data(), scale.data());
  for (int g = 0; g < 2; ++g) {
    for (int j = 0; j < 4; ++j) {
      const auto at = static_cast<std::size_t>(g * 4 + j);
      const float* from = x.data() + j * 128 + g * 64;
      float largest = 0.0F;
      for (int e = 0; j < 2 && e < 64; ++e) largest = std::max(largest, std::abs(from[e]));
      EXPECT_EQ(scale[at], largest / kGemvLevels) << g << ' ' << j;
      for (int e = 0; e < 64; ++e) {
        const std::int16_t got = to[at * 64 + static_cast<std::size_t>(e)];
        const auto want = j < 2 ? std::lrint(from[source(e)] * (kGemvLevels / largest)) : 0;
        ASSERT_EQ(got, want) << g << ' ' << j << ' ' << e;
      }
    }
  }
}

TEST(NfGemvInput, AllZeroAndDenormalGroupsBecomeZero) {
  for (const float value : {0.0F, 1e-39F, 1e-31F}) {
    const std::vector<float> x(64, value);
    std::vector<std::int16_t> to(64, 99);
    float scale = 99.0F;
    nf_gemv_round(x.data(), 64, 1, 1, to.data(), &scale);
    EXPECT_TRUE(std::ranges::all_of(to, [](std::int16_t v) { return v == 0; })) << value;
    EXPECT_TRUE(std::isfinite(scale)) << value;
  }
}

TEST(NfGemvInput, WhatIsNotFiniteGivesItsGroupAScaleOfNaN) {
  for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    for (std::size_t at = 0; at < 64; ++at) {
      std::vector<float> x(128, 1.0F);
      x[at] = bad;
      std::vector<std::int16_t> to(128);
      std::vector<float> scale(2);
      nf_gemv_round(x.data(), 128, 1, 1, to.data(), scale.data());
      EXPECT_TRUE(std::isnan(scale[0])) << bad << " at " << at;
      EXPECT_TRUE(std::ranges::all_of(to.begin(), to.begin() + 64, [](std::int16_t v) { return v == 1; }));
      EXPECT_TRUE(std::isfinite(scale[1]));
    }
  }
}

}  // namespace
}  // namespace lq::backends
