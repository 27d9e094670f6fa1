// Codes of moments, and a step of AdamW with them, against plain arithmetic. The whole optimizer is held
// against its definition in tests/train/adamw_test.cc.
#include "backends/cpu/adamw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"

namespace lq::backends::cpu {
namespace {

// Evenly spaced values with 0 among them: -127/127 ... 128/127 or 0 ... 1.
MomentTable some_table(bool is_signed) {
  MomentTable table{};
  for (int i = 0; i < 256; ++i) {
    table.values[i] = is_signed ? static_cast<float>(i - 127) / 127.0F : static_cast<float>(i) / 255.0F;
  }
  for (int i = 0; i < 255; ++i) table.middles[i] = 0.5F * (table.values[i] + table.values[i + 1]);
  table.middles[255] = std::numeric_limits<float>::infinity();
  return table;
}

TEST(MomentTable, NearestIsNearest) {
  for (const bool is_signed : {true, false}) {
    const MomentTable table = some_table(is_signed);
    const Rng rng(1);
    for (std::uint64_t i = 0; i < 20000; ++i) {
      // All magnitudes alike.
      const double magnitude = std::pow(10.0, -8.0 * rng.uniform(2 * i));
      const bool minus = is_signed && rng.uniform(2 * i + 1) < 0.5;
      const auto x = static_cast<float>(minus ? -magnitude : magnitude);
      const float found = std::abs(table.values[nearest_moment(table, x)] - x);
      for (int c = 0; c < 256; ++c) {
        // Middles are rounded to f32: a hair's breadth is a tie.
        ASSERT_LE(found, std::abs(table.values[c] - x) * (1 + 1e-5F)) << x;
      }
    }
    for (int c = 0; c < 256; ++c) {
      const auto code = static_cast<std::uint8_t>(c);
      EXPECT_EQ(nearest_moment(table, table.values[c]), code);
    }
  }
}

TEST(Moments, ABlockComesBackToWithinHalfAStep) {
  const MomentTable table = some_table(true);
  std::vector<float> x(kMomentBlock - 3), y(x.size());
  ThreadPool pool(1);
  Rng(5).fill_normal(pool, x.data(), std::ssize(x));
  std::vector<std::uint8_t> codes(x.size());
  const float scale = encode_moments(table, x.data(), std::ssize(x), codes.data());
  float most = 0;
  for (const float v : x) most = std::max(most, std::abs(v));
  EXPECT_EQ(scale, most);
  decode_moments(table, codes.data(), scale, std::ssize(x), y.data());
  // Steps are 1/127 wide.
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], x[i], 0.5 / 127 * scale * 1.0001F);
}

TEST(Moments, ZerosAndTinyValuesStayFinite) {
  const MomentTable table = some_table(true);
  std::vector<float> x = {0.0F, 1e-45F, -1e-40F};
  std::vector<float> y(3);
  std::vector<std::uint8_t> codes(3);
  const float scale = encode_moments(table, x.data(), 3, codes.data());
  decode_moments(table, codes.data(), scale, 3, y.data());
  for (const float v : y) EXPECT_EQ(v, 0.0F);
}

}  // namespace
}  // namespace lq::backends::cpu
