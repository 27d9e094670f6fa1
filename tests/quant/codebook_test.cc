#include "quant/codebook.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

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

class EveryCodebook : public testing::TestWithParam<std::tuple<CodebookKind, int>> {};

TEST_P(EveryCodebook, IsAscendingWithAnExactZeroAndExactEnds) {
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
  EXPECT_EQ(book.values[book.zero], 0.0F);
  EXPECT_EQ(book.zero, count / 2 - (kind == CodebookKind::kNormalFloat ? 1 : 0));
  EXPECT_EQ(book.values[count - 1], 1.0F);
  EXPECT_EQ(book.values[kind == CodebookKind::kNormalFloat ? 0 : 1], -1.0F);
  for (int k = count; k < 256; ++k) EXPECT_EQ(book.values[k], 0.0F);
}

TEST_P(EveryCodebook, CellsCountTheMidpointsBelow) {
  const auto [kind, bits] = GetParam();
  const Codebook& book = codebook_of(kind, bits);
  const auto by_cell = [&book = book](float x) {
    const float scaled = x * 256.0F;
    const int cell =
        std::clamp(static_cast<int>(std::clamp(scaled + 260.0F, -1e6F, 1e6F)), 0, kernels::kNfCells - 1);
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
                                                          CodebookKind::kUniformInt),
                                          testing::Values(2, 3, 4, 8)));

TEST(Codebook, RefusesOtherWidthsAndNames) {
  EXPECT_THROW(codebook_of(CodebookKind::kNormalFloat, 5), Error);
  EXPECT_EQ(codebook_kind_from_name("nf", "x"), CodebookKind::kNormalFloat);
  EXPECT_EQ(codebook_kind_from_name("int", "x"), CodebookKind::kUniformInt);
  EXPECT_THROW(codebook_kind_from_name("fp", "x"), Error);
}

}  // namespace
}  // namespace lq
