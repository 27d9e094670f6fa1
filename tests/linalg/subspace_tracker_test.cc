#include "linalg/subspace_tracker.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "linalg/small_dense.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

using reference::Dense;

double tail(const Svd& full, std::int64_t r) {
  double sum = 0.0;
  for (std::size_t k = static_cast<std::size_t>(r); k < full.s.size(); ++k) sum += full.s[k] * full.s[k];
  return sum;
}

Dense approximation(const SubspaceTracker& t, std::int64_t m, std::int64_t n) {
  return reference::product(Dense(m, t.rank(), t.u().data()), Dense(t.rank(), n, t.basis().data()));
}

TEST(SubspaceTracker, ConvergesToTheBestApproximationAndSaysWhatItHolds) {
  for (const auto& [m, n, r] :
       {std::tuple{60, 80, 6}, std::tuple{80, 60, 6}, std::tuple{9, 40, 9}, std::tuple{40, 1, 1}}) {
    const std::vector<float> a = reference::weight_like_matrix(m, n, std::min({m, n, 3}), 1);
    const Dense dense(m, n, a.data());
    ThreadPool pool(2);
    SubspaceTracker tracker(pool, m, n, r, 10, 0, 0);
    for (int i = 0; i < 12; ++i) tracker.pass(pool, a.data());
    const double all = std::pow(reference::norm(dense), 2);
    const double left =
        std::pow(reference::norm(reference::difference(dense, approximation(tracker, m, n))), 2);
    EXPECT_NEAR(all - tracker.captured(), left, 1e-5 * all);
    EXPECT_NEAR(left, tail(svd(m, n, dense.v.data()), r), 2e-3 * left + 1e-6 * all);
    EXPECT_LE(reference::orthonormality_defect(Dense(m, r, tracker.u().data())), 1e-5);
  }
}

TEST(SubspaceTracker, FollowsAMatrixThatChangesWithOnePass) {
  const std::int64_t m = 70;
  const std::int64_t n = 50;
  std::vector<float> a = reference::weight_like_matrix(m, n, 3, 2);
  const std::vector<float> change = reference::normal_matrix(m, n, 9);
  ThreadPool pool(1);
  SubspaceTracker tracker(pool, m, n, 8, 10, 0, 0);
  for (int i = 0; i < 8; ++i) tracker.pass(pool, a.data());
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += 1e-4F * change[i];
  tracker.pass(pool, a.data());
  const Dense dense(m, n, a.data());
  const double left =
      std::pow(reference::norm(reference::difference(dense, approximation(tracker, m, n))), 2);
  EXPECT_LE(left, 1.01 * tail(svd(m, n, dense.v.data()), 8));
}

TEST(SubspaceTracker, SurvivesZeroAndComesBack) {
  ThreadPool pool(1);
  const std::vector<float> zero(30 * 20, 0.0F);
  const std::vector<float> a = reference::normal_matrix(30, 20, 3);
  SubspaceTracker tracker(pool, 30, 20, 20, 10, 0, 0);
  tracker.pass(pool, zero.data());
  EXPECT_EQ(tracker.captured(), 0.0);
  for (const float v : tracker.u()) ASSERT_TRUE(std::isfinite(v));
  tracker.pass(pool, a.data());
  tracker.pass(pool, a.data());
  const double all = std::pow(reference::norm(Dense(30, 20, a.data())), 2);
  EXPECT_NEAR(tracker.captured(), all, 1e-5 * all);
}

TEST(SubspaceTracker, SameBitsOnAnyNumberOfThreads) {
  const std::vector<float> a = reference::normal_matrix(700, 600, 4);
  std::vector<std::vector<float>> bits;
  for (const int threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    SubspaceTracker tracker(pool, 700, 600, 16, 10, 5, 6);
    tracker.pass(pool, a.data());
    tracker.pass(pool, a.data());
    bits.push_back(tracker.basis());
  }
  EXPECT_EQ(bits[0], bits[1]);
  EXPECT_EQ(bits[0], bits[2]);
}

TEST(SubspaceTracker, RefusesRanksThatCannotBe) {
  ThreadPool pool(1);
  EXPECT_THROW(SubspaceTracker(pool, 3, 4, 4, 10, 0, 0), Error);
  EXPECT_THROW(SubspaceTracker(pool, 3, 4, 0, 10, 0, 0), Error);
}

}  // namespace
}  // namespace lq
