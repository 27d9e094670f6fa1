#include "linalg/lower_factor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

using reference::Dense;

// Mean of x x^T over `samples` vectors whose entries have very different sizes.
Dense second_moment(std::int64_t n, std::int64_t samples, std::uint64_t stream) {
  Dense x(n, samples, reference::normal_matrix(n, samples, stream).data());
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t k = 0; k < samples; ++k) x.at(i, k) *= std::exp(2.0 * std::sin(static_cast<double>(i)));
  }
  Dense r = reference::product(x, reference::transpose(x));
  for (double& v : r.v) v /= static_cast<double>(samples);
  return r;
}

std::vector<float> to_float(const Dense& a) { return {a.v.begin(), a.v.end()}; }

double largest_relative(const Dense& got, const Dense& want) {
  return reference::norm(reference::difference(got, want)) / reference::norm(want);
}

TEST(LowerFactor, MultipliesBackAndSolves) {
  for (const std::int64_t n : {1, 17, 128, 129, 300, 700}) {
    const Dense r = second_moment(n, 2 * n, 1);
    ThreadPool pool(2);
    const LowerFactor s = LowerFactor::of_second_moment(pool, n, to_float(r), 1e-2, "test");
    EXPECT_EQ(s.damping(), 1e-2);
    const Dense dense(n, n, s.values().data());
    double mean = 0.0;
    for (std::int64_t i = 0; i < n; ++i) mean += r.at(i, i) / static_cast<double>(n);
    Dense damped = r;
    for (std::int64_t i = 0; i < n; ++i) damped.at(i, i) += 1e-2 * mean;
    EXPECT_LE(largest_relative(reference::product(dense, reference::transpose(dense)), damped),
              1e-6 * std::sqrt(n) + 1e-6);
    for (std::int64_t i = 0; i < n; ++i)
      EXPECT_NEAR(s.diagonal()[i], damped.at(i, i), 2e-5 * damped.at(i, i));

    const std::int64_t m = 9;
    const std::vector<float> a = reference::normal_matrix(m, n, 2);
    std::vector<float> out(a.size());
    s.multiply_right(pool, m, a.data(), out.data());
    EXPECT_LE(largest_relative(Dense(m, n, out.data()), reference::product(Dense(m, n, a.data()), dense)),
              1e-5);
    s.solve_right(pool, m, out.data());
    // Backward stable, so the error grows with S's condition, a few hundred here.
    EXPECT_LE(largest_relative(Dense(m, n, out.data()), Dense(m, n, a.data())), 2e-3);

    const std::vector<float> b = reference::normal_matrix(n, m, 3);
    s.multiply_transposed_left(pool, m, b.data(), out.data());
    EXPECT_LE(largest_relative(Dense(n, m, out.data()),
                               reference::product(reference::transpose(dense), Dense(n, m, b.data()))),
              1e-5);
    s.solve_transposed_left(pool, m, out.data());
    EXPECT_LE(largest_relative(Dense(n, m, out.data()), Dense(n, m, b.data())), 2e-3);
  }
}

TEST(LowerFactor, ReadsTheLowerTriangleOnly) {
  ThreadPool pool(1);
  const LowerFactor s = LowerFactor::of_second_moment(pool, 2, {4.0F, 777.0F, 2.0F, 10.0F}, 0.0, "test");
  EXPECT_EQ(s.values(), (std::vector<float>{2.0F, 0.0F, 1.0F, 3.0F}));
  EXPECT_EQ(s.diagonal(), (std::vector<float>{4.0F, 10.0F}));
}

TEST(LowerFactor, SingularMatricesAreDampedAndItIsSaid) {
  ThreadPool pool(1);
  const std::int64_t n = 200;
  const Dense r = second_moment(n, 20, 4);  // rank 20
  const LowerFactor s = LowerFactor::of_second_moment(pool, n, to_float(r), 0.0, "test");
  EXPECT_GT(s.damping(), 0.0);
  EXPECT_LT(s.damping(), 1e-2);
  for (const float v : s.values()) ASSERT_TRUE(std::isfinite(v));
  const LowerFactor zero = LowerFactor::of_second_moment(pool, 3, std::vector<float>(9, 0.0F), 1e-2, "test");
  EXPECT_EQ(zero.values(), (std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0, 1}));
}

TEST(LowerFactor, RefusesWhatIsNoSecondMoment) {
  ThreadPool pool(1);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& bad :
       {std::vector<float>{1, 0, nan, 1}, std::vector<float>{1, 0, 0, -1}, std::vector<float>{1, 0}}) {
    try {
      LowerFactor::of_second_moment(pool, 2, bad, 0.0, "layers.3.q_proj");
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
      EXPECT_NE(std::string(e.what()).find("layers.3.q_proj"), std::string::npos);
    }
  }
}

TEST(LowerFactor, SameBitsOnAnyNumberOfThreads) {
  const Dense r = second_moment(600, 700, 5);
  std::vector<std::vector<float>> bits;
  for (const int threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    bits.push_back(LowerFactor::of_second_moment(pool, 600, to_float(r), 1e-2, "test").values());
  }
  EXPECT_EQ(bits[0], bits[1]);
  EXPECT_EQ(bits[0], bits[2]);
}

}  // namespace
}  // namespace lq
