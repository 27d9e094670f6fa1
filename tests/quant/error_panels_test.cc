#include "quant/error_panels.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <vector>

namespace lq {
namespace {

constexpr std::int64_t kOddRows = 150;  // three panels, the last one of 22
constexpr std::int64_t kOddCols = 70;

std::vector<float> lower_factor(std::int64_t n) {
  std::vector<float> s(static_cast<std::size_t>(n * n), 0.0F);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j <= i; ++j)
      s[static_cast<std::size_t>(i * n + j)] =
          i == j ? 1.0F : 0.01F * static_cast<float>((7 * i + 3 * j) % 11 - 5);
  }
  return s;
}

// Codes rest on a small step, so that every region's errors depend on all it took on.
struct Pass {
  std::vector<float> w = std::vector<float>(kOddRows * kOddCols);
  std::vector<float> q = std::vector<float>(kOddRows * kOddCols);
  std::vector<float> s = lower_factor(kOddCols), t = lower_factor(kOddRows);
  std::atomic<std::int64_t> weights_coded = 0;

  explicit Pass(bool both, int threads, std::int64_t group) {
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = std::sin(static_cast<float>(i) * 0.37F);
    const ErrorWeights weights{.row_factor = both ? t.data() : nullptr, .col_factor = s.data()};
    ThreadPool pool(threads);
    code_panels(
        pool, kOddRows, kOddCols, group, weights, [] { return 0; },
        [&](int, const ErrorRegion& g, const PanelErrors& errors) {
          const auto size = static_cast<std::size_t>(g.rows * g.cols);
          std::vector<float> moved(size, 0.0F), passed(size, 0.0F);
          take_on_errors(pool, g, kOddRows, kOddCols, weights, errors, moved.data(), passed.data());
          EXPECT_EQ(errors.e == nullptr, !both);
          for (std::int64_t r = 0; r < g.rows; ++r) {
            for (std::int64_t c = 0; c < g.cols; ++c) {
              const auto in_region = static_cast<std::size_t>(r * g.cols + c);
              const auto at = static_cast<std::size_t>((g.row + r) * kOddCols + g.col + c);
              const float wanted = w[at] + moved[in_region];
              q[at] = std::round((wanted + passed[in_region]) * 4.0F) / 4.0F;
              errors.f[(g.row + r - errors.first_row) * kOddCols + g.col + c] = wanted - q[at];
              if (both) errors.e[at] = w[at] - q[at];
            }
          }
          weights_coded += g.rows * g.cols;
        });
  }

  double error(std::int64_t row, std::int64_t col) const {
    const auto at = static_cast<std::size_t>(row * kOddCols + col);
    return double{w[at]} - q[at];
  }
};

TEST(ErrorPanels, EveryWeightOnceAndTheSameOnAnyThreads) {
  for (const bool both : {false, true}) {
    const Pass one(both, 1, 32), three(both, 3, 32);
    EXPECT_EQ(one.weights_coded, kOddRows * kOddCols);
    EXPECT_EQ(one.q, three.q);
  }
}

// What two weights of the first panel were moved by, in plain sums.
TEST(ErrorPanels, ARegionTakesOnTheErrorsBelowAndToTheRight) {
  const Pass pass(true, 2, 32);
  for (const std::int64_t row : {std::int64_t{0}, std::int64_t{63}}) {
    const std::int64_t col = 5;
    const auto moved_at = [&](std::int64_t j) {
      double moved = 0.0;
      for (std::int64_t k = 64; k < kOddRows; ++k)
        moved += double{pass.t[static_cast<std::size_t>(k * kOddRows + row)]} * pass.error(k, j);
      return moved;
    };
    double passed = 0.0;
    for (std::int64_t j = 32; j < kOddCols; ++j)
      passed += (pass.error(row, j) + moved_at(j)) * pass.s[static_cast<std::size_t>(j * kOddCols + col)];
    const auto at = static_cast<std::size_t>(row * kOddCols + col);
    const double target = pass.w[at] + moved_at(col) + passed;
    EXPECT_NEAR(pass.q[at], target, 0.125 + 1e-4) << "rounded to a multiple of 1/4";
    EXPECT_GT(std::abs(moved_at(col)) + std::abs(passed), 1e-3);
  }
}

}  // namespace
}  // namespace lq
