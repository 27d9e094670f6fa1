#include "quant/codebook/feedback.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quant/codebook/codebook_quantizer.h"
#include "reference/error_feedback.h"

namespace lq {
namespace {

using reference::Dense;

// X X^T / samples + damping of X with common parts and uneven rows: what inputs of a layer look like.
Dense moment(std::int64_t n, std::uint64_t stream) {
  const std::int64_t samples = 2 * n + 10;
  Dense x(n, samples, reference::normal_matrix(n, samples, stream).data());
  const std::vector<float> common = reference::normal_matrix(3, samples, stream + 100);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t k = 0; k < samples; ++k) {
      x.at(i, k) += 2.0 * static_cast<double>(common[static_cast<std::size_t>(i % 3 * samples + k)]);
      x.at(i, k) *= std::exp(std::sin(5.0 * static_cast<double>(i)));
    }
  }
  Dense r = reference::product(x, reference::transpose(x));
  double trace = 0.0;
  for (std::int64_t i = 0; i < n; ++i) trace += r.at(i, i);
  for (std::int64_t i = 0; i < n; ++i) r.at(i, i) += 1e-2 * trace / static_cast<double>(n);
  return r;
}

std::vector<float> to_float(const Dense& a) { return {a.v.begin(), a.v.end()}; }

Dense reversed(const Dense& a) {
  Dense out = a;
  std::reverse(out.v.begin(), out.v.end());
  return out;
}

double nearest(const Codebook& book, double scale, double target) {
  double best = 0.0;
  double away = std::numeric_limits<double>::infinity();
  for (int k = 0; k < 1 << book.bits; ++k) {
    const double value = static_cast<double>(book.values[k]) * scale;
    if (std::abs(target - value) < away) {
      away = std::abs(target - value);
      best = value;
    }
  }
  return best;
}

// A matrix with its factors, scales by blocks of `block`, and what feedback makes of it.
struct Case {
  Case(std::int64_t m, std::int64_t n, int bits, int block_size)
      : rows(m),
        cols(n),
        block(block_size),
        book(codebook_of(CodebookKind::kNormalFloat, bits)),
        w(reference::weight_like_matrix(m, n, 3, 7)),
        t(reference::cholesky(moment(m, 1))),
        s(reference::cholesky(moment(n, 2))),
        tf(to_float(t)),
        sf(to_float(s)),
        scales(static_cast<std::size_t>((m * n + block - 1) / block), 0.0F) {
    for (std::size_t i = 0; i < w.size(); ++i) {
      float& scale = scales[i / static_cast<std::size_t>(block)];
      scale = std::max(scale, std::abs(w[i]));
    }
  }
  FeedbackProblem problem(bool both_sides) const {
    return {.w = w.data(),
            .rows = rows,
            .cols = cols,
            .row_factor = both_sides ? tf.data() : nullptr,
            .col_factor = sf.data(),
            .book = &book,
            .block = block,
            .scales = scales.data()};
  }
  std::int64_t rows, cols;
  int block;
  const Codebook& book;
  std::vector<float> w;
  Dense t, s;
  std::vector<float> tf, sf, scales;
};

// Every code must be the nearest to the target that the errors before it make, computed from the formula in
// double; but for rounding near a midpoint. So a wrong order, sum or factor anywhere is found, while one code
// that falls the other way does not spoil those after it.
void expect_each_code_right(const Case& c, bool both_sides) {
  ThreadPool pool(2);
  std::vector<float> q(c.w.size());
  std::vector<std::uint8_t> codes(c.w.size());
  std::vector<float> targets(c.w.size());
  feedback_quantize(pool, c.problem(both_sides),
                    {.q = q.data(), .codes = codes.data(), .targets = targets.data()});
  const Dense w(c.rows, c.cols, c.w.data());
  const Dense e = reference::difference(w, Dense(c.rows, c.cols, q.data()));
  Dense unit(c.rows, c.rows);
  for (std::int64_t i = 0; i < c.rows; ++i) unit.at(i, i) = 1.0;
  // The partial sums that make a target are at most some ten times its own size, in f32.
  const double slack = 2e-4 * static_cast<double>(*std::max_element(c.scales.begin(), c.scales.end()));
  for (std::int64_t i = 0; i < c.rows; ++i) {
    for (std::int64_t j = 0; j < c.cols; ++j) {
      const double target = reference::two_sided_target(w, e, both_sides ? c.t : unit, c.s, i, j);
      const auto at = static_cast<std::size_t>(i * c.cols + j);
      const double scale = static_cast<double>(c.scales[at / static_cast<std::size_t>(c.block)]);
      const double got = static_cast<double>(q[at]);
      ASSERT_LE(std::abs(target - got), std::abs(target - nearest(c.book, scale, target)) + slack)
          << i << ' ' << j;
      ASSERT_NEAR(static_cast<double>(targets[at]), target, slack) << i << ' ' << j;
      ASSERT_EQ(q[at], c.book.values[codes[at]] * c.scales[at / static_cast<std::size_t>(c.block)]);
    }
  }
}

class FeedbackShapes : public testing::TestWithParam<std::tuple<int, int, int, int>> {};

TEST_P(FeedbackShapes, EachCodeIsTheNearestToItsTarget) {
  const auto [m, n, bits, block] = GetParam();
  const Case c(m, n, bits, block);
  expect_each_code_right(c, false);
  expect_each_code_right(c, true);
}

INSTANTIATE_TEST_SUITE_P(Shapes, FeedbackShapes,
                         testing::Values(std::tuple{5, 40, 3, 16}, std::tuple{70, 150, 2, 64},
                                         std::tuple{33, 129, 4, 32}, std::tuple{130, 30, 8, 16},
                                         std::tuple{1, 260, 3, 64}, std::tuple{90, 1, 3, 32},
                                         std::tuple{1, 1, 2, 16}));

double weighted_error(const Case& c, const std::vector<float>& q) {
  const Dense e = reference::difference(Dense(c.rows, c.cols, c.w.data()), Dense(c.rows, c.cols, q.data()));
  return reference::norm(reference::product(reference::product(reference::transpose(c.t), e), c.s));
}

TEST(Feedback, LowersTheErrorThatItPassesOn) {
  for (const int bits : {2, 3, 4}) {
    const Case c(96, 160, bits, 32);
    ThreadPool pool(2);
    const auto error = [&](const FeedbackProblem& problem) {
      std::vector<float> q(c.w.size());
      feedback_quantize(pool, problem, {.q = q.data()});
      return weighted_error(c, q);
    };
    FeedbackProblem none = c.problem(false);
    none.col_factor = nullptr;
    EXPECT_LT(error(c.problem(false)), 0.8 * error(none)) << bits;
    EXPECT_LT(error(c.problem(true)), 0.8 * error(c.problem(false))) << bits;
  }
}

TEST(Feedback, WithoutFactorsItRoundsToNearest) {
  const Case c(50, 70, 3, 16);
  FeedbackProblem problem = c.problem(false);
  problem.col_factor = nullptr;
  ThreadPool pool(1);
  std::vector<float> q(c.w.size());
  feedback_quantize(pool, problem, {.q = q.data()});
  for (std::size_t i = 0; i < q.size(); ++i) {
    const double scale = static_cast<double>(c.scales[i / 16]);
    const double w = static_cast<double>(c.w[i]);
    EXPECT_LE(std::abs(static_cast<double>(q[i]) - w),
              std::abs(nearest(c.book, scale, w) - w) + 1e-6 * scale);
  }
}

// Columns from the first to the last, groups whose scales are fixed beforehand.
TEST(Feedback, IsGptqWhereItGoesFromFirstToLast) {
  for (const std::int64_t cols : {100, 128, 300}) {
    const Case c(20, cols, 4, 1);  // a scale for each element, so that groups may be of any size
    const Dense h = moment(cols, 2);
    const std::vector<float> factor = to_float(reference::cholesky(reversed(h)));
    std::vector<float> scales(c.w.size());
    for (std::int64_t i = 0; i < 20; ++i) {
      for (std::int64_t j = 0; j < cols; j += 128) {
        const std::int64_t count = std::min<std::int64_t>(128, cols - j);
        float largest = 0.0F;
        for (std::int64_t k = 0; k < count; ++k)
          largest = std::max(largest, std::abs(c.w[static_cast<std::size_t>(i * cols + j + k)]));
        std::fill_n(scales.begin() + i * cols + j, count, largest);
      }
    }
    const Dense want = reference::gptq(
        Dense(20, cols, c.w.data()), h,
        [&](std::int64_t i, std::int64_t j, double x) {
          return nearest(c.book, static_cast<double>(scales[static_cast<std::size_t>(i * cols + j)]), x);
        },
        [](std::int64_t, const Dense&) {});
    FeedbackProblem problem = c.problem(false);
    problem.col_factor = factor.data();
    problem.first_to_last = true;
    problem.scales = scales.data();
    ThreadPool pool(2);
    std::vector<float> q(c.w.size());
    feedback_quantize(pool, problem, {.q = q.data()});
    // A target near a midpoint may fall the other way in f32, and change its row from there on.
    int rows_apart = 0;
    for (std::int64_t i = 0; i < 20; ++i) {
      double worst = 0.0;
      for (std::int64_t j = 0; j < cols; ++j) {
        worst = std::max(
            worst, std::abs(static_cast<double>(q[static_cast<std::size_t>(i * cols + j)]) - want.at(i, j)));
      }
      if (worst > 1e-5) ++rows_apart;
    }
    EXPECT_LE(rows_apart, 2) << cols;
  }
}

TEST(Feedback, MayReplaceTheMatrixAndNeedsNoOutputs) {
  const Case c(70, 140, 3, 32);
  for (const bool both : {false, true}) {
    ThreadPool pool(2);
    std::vector<float> apart(c.w.size());
    feedback_quantize(pool, c.problem(both), {.q = apart.data()});
    std::vector<float> in_place = c.w;
    FeedbackProblem problem = c.problem(both);
    problem.w = in_place.data();
    feedback_quantize(pool, problem, {.q = in_place.data()});
    EXPECT_EQ(apart, in_place);
    feedback_quantize(pool, c.problem(both), {});
  }
}

TEST(Feedback, SameBitsOnAnyNumberOfThreads) {
  const Case c(200, 300, 3, 64);
  for (const bool both : {false, true}) {
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 7}) {
      ThreadPool pool(threads);
      results.emplace_back(c.w.size());
      feedback_quantize(pool, c.problem(both), {.q = results.back().data()});
    }
    EXPECT_EQ(results[0], results[1]);
    EXPECT_EQ(results[0], results[2]);
  }
}

TEST(Feedback, StaysFiniteWhereScalesAreZeroOrTooSmall) {
  Case c(40, 64, 2, 16);
  for (std::size_t k = 0; k < c.scales.size(); ++k) c.scales[k] = k % 2 == 0 ? 0.0F : 1e-30F;
  ThreadPool pool(1);
  std::vector<float> q(c.w.size());
  feedback_quantize(pool, c.problem(true), {.q = q.data()});
  for (std::size_t i = 0; i < q.size(); ++i) {
    ASSERT_TRUE(std::isfinite(q[i]));
    ASSERT_LE(std::abs(q[i]), c.scales[i / 16]);
  }
}

}  // namespace
}  // namespace lq
