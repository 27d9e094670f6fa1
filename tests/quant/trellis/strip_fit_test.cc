// The fit of a row's scales: each of its codes is the best there is beside the others.
#include "quant/trellis/strip_fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "quant/trellis/trellis_scales.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

struct Row {
  static constexpr std::int64_t kOrder = 70;  // blocks of 32, 32 and 6
  std::vector<float> s = std::vector<float>(kOrder * kOrder, 0.0F);
  std::vector<float> wanted = reference::normal_matrix(1, kOrder, 3);
  std::vector<float> before = reference::normal_matrix(1, kOrder, 4);
  std::vector<float> units = reference::normal_matrix(1, kOrder, 5);
  TrellisStored stored{2, kOrder, {2, 12, 32}, "m"};

  Row() {
    const std::vector<float> x = reference::normal_matrix(kOrder, kOrder, 6);
    for (std::size_t i = 0; i < kOrder; ++i) {
      for (std::size_t j = 0; j < i; ++j) s[i * kOrder + j] = 0.2F * x[i * kOrder + j];
      s[i * kOrder + i] = 1.0F + static_cast<float>(i % 4);
      // Roughly what is wanted, in units of 0.01.
      units[i] = std::nearbyint(100.0F * (wanted[i] + 0.3F * units[i]));
    }
    store_trellis_scales({0.002F, 0.008F, 0.02F, 0.008F, 0.008F, 0.008F}, stored);
  }

  double squares() const {
    double sum = 0.0;
    for (std::int64_t j = 0; j < kOrder; ++j) {
      double left = before[static_cast<std::size_t>(j)];
      for (std::int64_t k = j; k < kOrder; ++k) {
        const auto at = static_cast<std::size_t>(k);
        left += (double{wanted[at]} - units[at] * stored.scale(3 + k / 32)) *
                s[static_cast<std::size_t>(k * kOrder + j)];
      }
      sum += left * left;
    }
    return sum;
  }
  void fit() {
    fit_row_scales({s.data(), kOrder, kOrder}, 1, 0, wanted.data(), before.data(), units.data(), stored);
  }
};

TEST(StripFit, NoCodeCanBeMovedForLess) {
  Row row;
  const double at_first = row.squares();
  const std::vector<std::uint8_t> old = row.stored.scales;
  for (int i = 0; i < 30; ++i) row.fit();
  const double fitted = row.squares();
  EXPECT_LT(fitted, 0.99 * at_first);
  EXPECT_TRUE(std::equal(old.begin(), old.begin() + 3, row.stored.scales.begin())) << "another row's";
  for (std::size_t block = 3; block < 6; ++block) {
    for (const int change : {-1, 1}) {
      const int code = row.stored.scales[block] + change;
      if (code < 0 || code > 255) continue;
      row.stored.scales[block] = static_cast<std::uint8_t>(code);
      EXPECT_GE(row.squares(), fitted * (1 - 1e-9)) << block;
      row.stored.scales[block] = static_cast<std::uint8_t>(code - change);
    }
  }
}

TEST(StripFit, OneColumnThatMattersDecides) {
  Row row;
  std::fill(row.s.begin(), row.s.end(), 0.0F);
  for (std::size_t i = 0; i < Row::kOrder; ++i) row.s[(Row::kOrder + 1) * i] = i == 40 ? 1000.0F : 1.0F;
  std::fill(row.before.begin(), row.before.end(), 0.0F);
  row.wanted[40] = 0.731F;
  row.units[40] = 90.0F;
  row.fit();
  EXPECT_NEAR(90.0F * row.stored.scale(4), 0.731F, 90.0F * row.stored.step(4));
}

TEST(StripFit, BlocksThatCannotChangeStay) {
  Row row;
  store_trellis_scales(std::vector<float>(6, 0.01F), row.stored);  // a range of nothing
  row.fit();
  EXPECT_EQ(row.stored.scale(4), 0.01F);
  Row zeros;
  std::fill(zeros.units.begin(), zeros.units.end(), 0.0F);
  const std::vector<std::uint8_t> old = zeros.stored.scales;
  zeros.fit();
  EXPECT_EQ(zeros.stored.scales, old);
}

}  // namespace
}  // namespace lq
