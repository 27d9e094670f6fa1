#include "quant/codebook/codebook.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "base/error.h"

namespace lq {
namespace {

TEST(Codebook, NormalFloat4AgreesWithThePublishedValues) {
  // QLoRA, appendix E; computed there in float32.
  const std::array published = {-1.0,
                                -0.6961928009986877,
                                -0.5250730514526367,
                                -0.39491748809814453,
                                -0.28444138169288635,
                                -0.18477343022823334,
                                -0.09105003625154495,
                                0.0,
                                0.07958029955625534,
                                0.16093020141124725,
                                0.24611230194568634,
                                0.33791524171829224,
                                0.44070982933044434,
                                0.5626170039176941,
                                0.7229568362236023,
                                1.0};
  const Codebook& book = codebook_of(CodebookKind::kNormalFloat, 4);
  for (std::size_t k = 0; k < published.size(); ++k) EXPECT_NEAR(book.values[k], published[k], 1e-6) << k;
}

TEST(Codebook, QuantileInvertsTheNormalDistribution) {
  EXPECT_EQ(upper_normal_quantile(0.5), 0.0);
  for (const double p : {0.5000001, 0.6, 0.75, 0.9, 0.9677083, 0.999, 1.0 - 1e-9}) {
    const double x = upper_normal_quantile(p);
    EXPECT_NEAR(0.5 * std::erfc(-x / std::sqrt(2.0)), p, 4e-16) << p;
  }
  EXPECT_NEAR(upper_normal_quantile(0.975), 1.959963984540054, 1e-14);
}

TEST(Codebook, LloydMaxAgreesWithMaxsTables) {
  // J. Max, "Quantizing for minimum distortion", 1960, table I: four digits.
  const std::vector<double> two = lloyd_max_values(2);
  EXPECT_NEAR(two[0], 0.4528, 5e-5);
  EXPECT_NEAR(two[1], 1.510, 5e-4);
  const std::vector<double> four = lloyd_max_values(4);
  const std::array max8 = {0.2451, 0.7560, 1.344, 2.152};
  for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(four[k], max8[k], 5e-4);
}

// Each value is the mean of the normal distribution between the boundaries round it: summed here by Simpson's
// rule.
TEST(Codebook, LloydMaxValuesAreTheMeansOfTheirIntervals) {
  const auto density = [](double x) { return std::exp(-0.5 * x * x); };
  for (const int half : {2, 4, 8, 128}) {
    const std::vector<double> v = lloyd_max_values(half);
    ASSERT_EQ(v.size(), static_cast<std::size_t>(half));
    for (std::size_t k = 0; k < v.size(); ++k) {
      const double from = k == 0 ? 0.0 : 0.5 * (v[k - 1] + v[k]);
      const double to = k + 1 == v.size() ? from + 12.0 : 0.5 * (v[k] + v[k + 1]);
      double mass = 0.0;
      double moment = 0.0;
      const int steps = 4000;
      for (int i = 0; i <= steps; ++i) {
        const double x = from + (to - from) * i / steps;
        const double weight = (i == 0 || i == steps ? 1.0 : i % 2 == 1 ? 4.0 : 2.0) * density(x);
        mass += weight;
        moment += weight * x;
      }
      EXPECT_NEAR(v[k], moment / mass, 1e-9) << half << ' ' << k;
    }
  }
}

class EveryCodebook : public testing::TestWithParam<std::tuple<CodebookKind, int>> {};

TEST_P(EveryCodebook, IsAscendingWithExactZeroAndEnds) {
  const auto [kind, bits] = GetParam();
  const Codebook& book = codebook_of(kind, bits);
  const int count = 1 << bits;
  EXPECT_EQ(book.bits, bits);
  for (int k = 0; k + 1 < count; ++k) {
    EXPECT_LT(book.values[k], book.values[k + 1]);
    EXPECT_EQ(book.midpoints[k], (book.values[k] + book.values[k + 1]) / 2);
    EXPECT_LT(book.values[k], book.midpoints[k]);
    EXPECT_LT(book.midpoints[k], book.values[k + 1]);
  }
  EXPECT_EQ(book.values[count - 1], 1.0F);
  if (kind == CodebookKind::kLloydMax) {
    for (int k = 0; k < count; ++k) EXPECT_EQ(book.values[k], -book.values[count - 1 - k]);
    EXPECT_EQ(book.zero, count / 2 - 1);  // 0 lies on the middle boundary, which belongs to the code below
  } else {
    EXPECT_EQ(book.values[book.zero], 0.0F);
    EXPECT_EQ(book.zero, count / 2 - (kind == CodebookKind::kNormalFloat ? 1 : 0));
    EXPECT_EQ(book.values[kind == CodebookKind::kNormalFloat ? 0 : 1], -1.0F);
  }
  for (int k = count; k < 256; ++k) EXPECT_EQ(book.values[k], 0.0F);
}

TEST_P(EveryCodebook, CellsCountTheMidpointsBelow) {
  const auto [kind, bits] = GetParam();
  const Codebook& book = codebook_of(kind, bits);
  const auto by_cell = [&book = book](float x) {
    const float scaled = x * 512.0F;
    const int cell =
        std::clamp(static_cast<int>(std::clamp(scaled + 520.0F, -1e6F, 1e6F)), 0, backends::kNfCells - 1);
    const auto midpoint = std::bit_cast<float>(static_cast<std::uint32_t>(book.cells[cell]));
    return static_cast<int>(book.cells[cell] >> 32) + (x > midpoint ? 1 : 0);
  };
  const auto by_count = [&book = book, count = (1 << bits) - 1](float x) {
    return static_cast<int>(
        std::count_if(book.midpoints, book.midpoints + count, [x](float m) { return x > m; }));
  };
  for (int k = 0; k + 1 < 1 << bits; ++k) {
    for (float x : {book.values[k], book.midpoints[k], std::nextafter(book.midpoints[k], -9.0F),
                    std::nextafter(book.midpoints[k], 9.0F)}) {
      ASSERT_EQ(by_cell(x), by_count(x)) << x;
    }
  }
  for (int i = -3000; i <= 3000; ++i) {
    const float x = static_cast<float>(i) * 0.001F;
    ASSERT_EQ(by_cell(x), by_count(x)) << x;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryCodebook,
                         testing::Combine(testing::Values(CodebookKind::kNormalFloat,
                                                          CodebookKind::kUniformInt, CodebookKind::kLloydMax),
                                          testing::Values(2, 3, 4, 5, 6, 8)));

TEST(Codebook, RefusesOtherWidths) { EXPECT_THROW(codebook_of(CodebookKind::kNormalFloat, 7), Error); }

}  // namespace
}  // namespace lq
