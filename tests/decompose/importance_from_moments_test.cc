#include "decompose/importance_from_moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "decompose_fixture.h"

namespace lq {
namespace {

using reference::Dense;

// X X^T / samples of normal X with uneven rows.
std::vector<float> moment(std::int64_t n, std::int64_t samples, std::uint64_t stream) {
  Dense x(n, samples, reference::normal_matrix(n, samples, stream).data());
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t k = 0; k < samples; ++k) x.at(i, k) *= std::exp(std::sin(3.0 * static_cast<double>(i)));
  }
  const Dense r = reference::product(x, reference::transpose(x));
  std::vector<float> out(r.v.begin(), r.v.end());
  for (float& v : out) v /= static_cast<float>(samples);
  return out;
}

Dense damped(std::int64_t n, const std::vector<float>& m, double damping) {
  Dense out(n, n, m.data());
  double trace = 0.0;
  for (std::int64_t i = 0; i < n; ++i) trace += out.at(i, i);
  for (std::int64_t i = 0; i < n; ++i) out.at(i, i) += damping * trace / static_cast<double>(n);
  return out;
}

double trace_of(const Dense& a) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < a.rows; ++i) sum += a.at(i, i);
  return sum;
}

TEST(WeightingFromMoments, SquaredNormsAreTheTracesTheyEstimate) {
  const std::int64_t rows = 40;
  const std::int64_t cols = 150;
  ThreadPool pool(2);
  const std::vector<float> r = moment(cols, 400, 1);
  const std::vector<float> g = moment(rows, 400, 2);
  const MomentFactor rf = factor_moment(pool, cols, r, "r");
  const MomentFactor gf = factor_moment(pool, rows, g, "g");
  EXPECT_TRUE(rf.notes.empty());
  EXPECT_TRUE(gf.notes.empty());
  const Dense e(rows, cols, reference::normal_matrix(rows, cols, 3).data());
  const Dense dr = damped(cols, r, 1e-2);
  const Dense dg = damped(rows, g, 1e-2);
  const double input = trace_of(product(product(e, dr), transpose(e)));
  const double kfac = trace_of(product(dg, product(product(e, dr), transpose(e))));
  // f32 factors of matrices whose condition is below 1e4.
  EXPECT_NEAR(std::pow(norm(testing_support::weigh(e, input_importance(rf.factor))), 2), input, 1e-4 * input);
  EXPECT_NEAR(std::pow(norm(testing_support::weigh(e, kfac_importance(rf.factor, gf.factor))), 2), kfac,
              1e-4 * kfac);
}

TEST(WeightingFromMoments, ZeroMomentCountsNextToNothing) {
  ThreadPool pool(1);
  const MomentFactor f = factor_moment(pool, 5, std::vector<float>(25, 0.0F), "layer 3");
  ASSERT_EQ(f.notes.size(), 1U);
  EXPECT_NE(f.notes[0].find("layer 3"), std::string::npos);
  const Importance w = input_importance(f.factor);
  for (int i = 0; i < 5; ++i) {
    EXPECT_GT(w.error_weights().cols[i], 0.0F);
    EXPECT_LT(w.error_weights().cols[i], 1e-15F);
  }
}

TEST(WeightingFromMoments, BadValuesAreMendedAndNoted) {
  ThreadPool pool(1);
  const std::int64_t n = 6;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> m = moment(n, 50, 4);
    for (std::int64_t i = 0; i < n; ++i)
      m[static_cast<std::size_t>(2 * n + i)] = m[static_cast<std::size_t>(i * n + 2)] = bad;
    m[5 * n + 1] = m[1 * n + 5] = bad;
    const MomentFactor f = factor_moment(pool, n, m, "x");
    ASSERT_EQ(f.notes.size(), 2U);
    EXPECT_NE(f.notes[0].find("1 of 6 variances"), std::string::npos) << f.notes[0];
    EXPECT_NE(f.notes[1].find("1 covariances"), std::string::npos) << f.notes[1];
    double average = 0.0;
    for (const std::int64_t i : {0, 1, 3, 4, 5})
      average += static_cast<double>(m[static_cast<std::size_t>(i * n + i)]) / 5;
    EXPECT_NEAR(static_cast<double>(f.factor->diagonal()[2]), average * 1.01, 1e-5 * average);
    for (std::int64_t j = 0; j < 2; ++j)
      EXPECT_EQ(f.factor->values()[static_cast<std::size_t>(2 * n + j)], 0.0F);
  }
  std::vector<float> negative(4, 0.0F);
  negative[0] = -1.0F;
  negative[3] = 2.0F;
  EXPECT_NEAR(static_cast<double>(factor_moment(pool, 2, negative, "x").factor->diagonal()[0]), 2.02, 1e-5);
}

TEST(WeightingFromMoments, SingularMomentIsDampedFurtherWhereItMustBe) {
  ThreadPool pool(1);
  // One direction only, and no damping asked for: some must be added, and said.
  const std::vector<float> ones(64, 1.0F);
  const MomentFactor f = factor_moment(pool, 8, ones, "h", {.damping = 0.0});
  EXPECT_GT(f.factor->damping(), 0.0);
  ASSERT_EQ(f.notes.size(), 1U);
  EXPECT_NE(f.notes[0].find("singular"), std::string::npos);
  EXPECT_TRUE(factor_moment(pool, 8, ones, "h").notes.empty());
}

TEST(WeightingFromMoments, RefusesAnotherSize) {
  ThreadPool pool(1);
  try {
    factor_moment(pool, 3, std::vector<float>(4), "h");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMismatch);
  }
}

}  // namespace
}  // namespace lq
