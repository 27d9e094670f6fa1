#include "linalg/randomized_svd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/error.h"
#include "linalg/small_dense.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

using reference::Dense;

Dense rebuild(std::int64_t m, std::int64_t n, std::int64_t r, const LowRankSvd& d) {
  Dense us(m, r, d.u.data());
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t k = 0; k < r; ++k) us.at(i, k) *= static_cast<double>(d.s[static_cast<std::size_t>(k)]);
  }
  return reference::product(us, Dense(r, n, d.vt.data()));
}

// Eckart-Young: the least error of rank r.
double least_error(const Svd& full, std::int64_t r) {
  double sum = 0.0;
  for (std::size_t k = static_cast<std::size_t>(r); k < full.s.size(); ++k) sum += full.s[k] * full.s[k];
  return std::sqrt(sum);
}

class RandomizedSvdTest : public testing::TestWithParam<std::tuple<int, int, int>> {};

TEST_P(RandomizedSvdTest, IsOrthonormalAndNearTheBestOfItsRank) {
  const auto [m, n, r] = GetParam();
  const std::vector<float> a = reference::weight_like_matrix(m, n, std::min({m, n, 4}), 1);
  const Dense dense(m, n, a.data());
  ThreadPool pool(2);
  const LowRankSvd d = randomized_svd(pool, m, n, a.data(), {.rank = r, .power_iterations = 4});
  EXPECT_LE(reference::orthonormality_defect(Dense(m, r, d.u.data())), 1e-5);
  EXPECT_LE(reference::orthonormality_defect(reference::transpose(Dense(r, n, d.vt.data()))), 1e-5);
  const Svd full = svd(m, n, dense.v.data());
  const double error = reference::norm(reference::difference(dense, rebuild(m, n, r, d)));
  const double least = least_error(full, r);
  const double rounding = 1e-5 * reference::norm(dense);
  EXPECT_GE(error, least - rounding);
  // Halko et al., corollary 10.10, allows more; four power iterations on these spectra stay within a part in
  // 100.
  EXPECT_LE(error, 1.01 * least + rounding);
  for (int k = 0; k < r; ++k) {
    if (k > 0) {
      EXPECT_LE(d.s[k], d.s[k - 1]);
    }
    EXPECT_NEAR(d.s[k], full.s[k], 0.03 * full.s[k] + rounding) << k;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RandomizedSvdTest,
                         testing::Values(std::tuple{60, 60, 5}, std::tuple{120, 40, 8},
                                         std::tuple{40, 120, 8}, std::tuple{1, 30, 1}, std::tuple{30, 1, 1},
                                         std::tuple{20, 20, 20}, std::tuple{20, 31, 20},
                                         std::tuple{31, 20, 19}, std::tuple{1, 1, 1}));

TEST(RandomizedSvd, ExactOnMatricesOfLowRank) {
  const Dense low = reference::product(Dense(70, 3, reference::normal_matrix(70, 3, 1).data()),
                                       Dense(3, 50, reference::normal_matrix(3, 50, 2).data()));
  const std::vector<float> a(low.v.begin(), low.v.end());
  ThreadPool pool(1);
  const LowRankSvd d = randomized_svd(pool, 70, 50, a.data(), {.rank = 6});
  const double size = reference::norm(low);
  EXPECT_LE(reference::norm(reference::difference(low, rebuild(70, 50, 6, d))), 1e-5 * size);
  EXPECT_LE(d.s[3], 1e-5 * size);
}

TEST(RandomizedSvd, ZeroAndConstantMatricesGiveNumbers) {
  ThreadPool pool(1);
  for (const float value : {0.0F, 0.5F}) {
    const std::vector<float> a(30 * 20, value);
    const LowRankSvd d = randomized_svd(pool, 30, 20, a.data(), {.rank = 4});
    EXPECT_NEAR(d.s[0], value * std::sqrt(600.0F), 1e-4);
    EXPECT_NEAR(d.s[1], 0.0F, 1e-4);
    for (const float v : d.u) ASSERT_TRUE(std::isfinite(v));
    for (const float v : d.vt) ASSERT_TRUE(std::isfinite(v));
  }
}

TEST(RandomizedSvd, StartFromTheAnswerNeedsNoPowerIterations) {
  const std::vector<float> a = reference::weight_like_matrix(80, 90, 3, 5);
  ThreadPool pool(1);
  const LowRankSvd good = randomized_svd(pool, 80, 90, a.data(), {.rank = 10, .power_iterations = 20});
  const LowRankSvd warm = randomized_svd(
      pool, 80, 90, a.data(),
      {.rank = 10, .oversampling = 0, .power_iterations = 0, .start = good.vt.data(), .start_rows = 10});
  const LowRankSvd cold =
      randomized_svd(pool, 80, 90, a.data(), {.rank = 10, .oversampling = 0, .power_iterations = 0});
  const Dense dense(80, 90, a.data());
  const auto error = [&](const LowRankSvd& d) {
    return reference::norm(reference::difference(dense, rebuild(80, 90, 10, d)));
  };
  EXPECT_LE(error(warm), error(good) * (1.0 + 1e-4));
  EXPECT_GE(error(cold), error(good) * 1.01);
}

TEST(RandomizedSvd, SameBitsOnAnyNumberOfThreads) {
  const std::vector<float> a = reference::normal_matrix(600, 700, 7);
  std::vector<LowRankSvd> results;
  for (const int threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    results.push_back(randomized_svd(pool, 600, 700, a.data(), {.rank = 12, .seed = 3}));
  }
  for (const LowRankSvd& d : results) {
    EXPECT_EQ(d.u, results[0].u);
    EXPECT_EQ(d.s, results[0].s);
    EXPECT_EQ(d.vt, results[0].vt);
  }
}

TEST(RandomizedSvd, RefusesRanksThatCannotBe) {
  ThreadPool pool(1);
  const std::vector<float> a(12, 1.0F);
  try {
    randomized_svd(pool, 3, 4, a.data(), {.rank = 4});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(e.what()).find("rank 4 of a 3 x 4 matrix"), std::string::npos);
  }
  EXPECT_TRUE(randomized_svd(pool, 3, 4, a.data(), {.rank = 0}).u.empty());
}

}  // namespace
}  // namespace lq
