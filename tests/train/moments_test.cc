#include "train/moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"

namespace lq {
namespace {

TEST(DynamicTable, RisesFromEndToEndAndHoldsZeroAndOne) {
  for (const bool is_signed : {true, false}) {
    const DynamicTable table(is_signed);
    for (int i = 1; i < 256; ++i) {
      ASSERT_LT(table.value(static_cast<std::uint8_t>(i - 1)), table.value(static_cast<std::uint8_t>(i)));
    }
    EXPECT_EQ(table.value(255), 1.0F);
    EXPECT_EQ(table.value(is_signed ? 127 : 0), 0.0F);
    EXPECT_EQ(table.value(table.nearest(0.0F)), 0.0F);
  }
  // bitsandbytes.functional.create_dynamic_map(signed=True)[0], [128], [254]; (signed=False)[1], [254].
  const DynamicTable s(true);
  EXPECT_FLOAT_EQ(s.value(0), -0.99296875F);
  EXPECT_FLOAT_EQ(s.value(128), 5.5e-7F);
  EXPECT_FLOAT_EQ(s.value(254), 0.99296875F);
  const DynamicTable u(false);
  EXPECT_FLOAT_EQ(u.value(1), 3.25e-7F);
  EXPECT_FLOAT_EQ(u.value(254), 0.996484375F);
}

TEST(DynamicTable, NearestIsNearest) {
  for (const bool is_signed : {true, false}) {
    const DynamicTable table(is_signed);
    const Rng rng(1);
    for (std::uint64_t i = 0; i < 20000; ++i) {
      // All magnitudes alike.
      const double magnitude = std::pow(10.0, -8.0 * rng.uniform(2 * i));
      const bool minus = is_signed && rng.uniform(2 * i + 1) < 0.5;
      const auto x = static_cast<float>(minus ? -magnitude : magnitude);
      const float found = std::abs(table.value(table.nearest(x)) - x);
      for (int c = 0; c < 256; ++c) {
        // Middles are rounded to f32: a hair's breadth is a tie.
        ASSERT_LE(found, std::abs(table.value(static_cast<std::uint8_t>(c)) - x) * (1 + 1e-5F)) << x;
      }
    }
    for (int c = 0; c < 256; ++c) {
      const auto code = static_cast<std::uint8_t>(c);
      EXPECT_EQ(table.nearest(table.value(code)), code);
    }
  }
}

TEST(Moments, ABlockComesBackToWithinHalfAStep) {
  const DynamicTable table(true);
  std::vector<float> x(kMomentBlock - 3), y(x.size());
  ThreadPool pool(1);
  Rng(5).fill_normal(pool, x.data(), std::ssize(x));
  std::vector<std::uint8_t> codes(x.size());
  const float scale = encode_block(table, x.data(), std::ssize(x), codes.data());
  float most = 0;
  for (const float v : x) most = std::max(most, std::abs(v));
  EXPECT_EQ(scale, most);
  decode_block(table, codes.data(), scale, std::ssize(x), y.data());
  // Steps are widest between 0.1 and 1: 64 of them.
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], x[i], 0.5 * 0.9 / 64 * scale * 1.0001F);
}

TEST(Moments, ZerosAndTinyValuesStayFinite) {
  const DynamicTable table(true);
  std::vector<float> x = {0.0F, 1e-45F, -1e-40F};
  std::vector<float> y(3);
  std::vector<std::uint8_t> codes(3);
  const float scale = encode_block(table, x.data(), 3, codes.data());
  decode_block(table, codes.data(), scale, 3, y.data());
  for (const float v : y) EXPECT_EQ(v, 0.0F);
}

}  // namespace
}  // namespace lq
