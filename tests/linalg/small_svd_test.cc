// Singular values and vectors (small_dense.h).
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "linalg/small_dense.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

using reference::Dense;

constexpr double kSvdEps = std::numeric_limits<double>::epsilon();

TEST(SmallSvd, RebuildsTallWideAndZeroMatrices) {
  for (const auto& [m, n] : {std::pair{17, 5}, std::pair{5, 17}, std::pair{1, 9}, std::pair{9, 1}}) {
    for (const bool zero : {false, true}) {
      const std::vector<float> x = reference::normal_matrix(m, n, 2);
      Dense a(m, n, x.data());
      if (zero) a.v.assign(a.v.size(), 0.0);
      const Svd d = svd(m, n, a.v.data());
      const std::int64_t k = std::min(m, n);
      Dense us(m, k, d.u.data());
      EXPECT_LE(reference::orthonormality_defect(us), 100 * m * kSvdEps);
      EXPECT_LE(reference::orthonormality_defect(reference::transpose(Dense(k, n, d.vt.data()))),
                100 * n * kSvdEps);
      for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < k; ++j) us.at(i, j) *= d.s[j];
      }
      const Dense rebuilt = reference::product(us, Dense(k, n, d.vt.data()));
      EXPECT_LE(reference::norm(reference::difference(rebuilt, a)),
                100 * (m + n) * kSvdEps * (reference::norm(a) + 1e-30));
    }
  }
}

TEST(SmallSvd, ValuesArePositiveAndDescend) {
  const std::vector<double> a = {1.0, 0.0, 0.0, 0.0, -3.0, 0.0};  // [2, 3]
  const Svd d = svd(2, 3, a.data());
  ASSERT_EQ(d.s.size(), 2U);
  EXPECT_NEAR(d.s[0], 3.0, 10 * kSvdEps);
  EXPECT_NEAR(d.s[1], 1.0, 10 * kSvdEps);
  EXPECT_NEAR(std::abs(d.u[2]), 1.0, 10 * kSvdEps) << "3 stands in the second row";
  EXPECT_NEAR(d.u[2] * d.vt[1], -1.0, 10 * kSvdEps) << "with its sign in the vectors";
}

// The sum of the squares of the values is that of the elements.
TEST(SmallSvd, ARankOneMatrixHasOneValue) {
  const std::vector<double> a = {3.0, 6.0, 4.0, 8.0};
  const Svd d = svd(2, 2, a.data());
  EXPECT_NEAR(d.s[0], std::sqrt(125.0), 100 * kSvdEps);
  EXPECT_NEAR(d.s[1], 0.0, 100 * kSvdEps);
}

TEST(SmallSvd, SquaresAreTheEigenvaluesOfTheGram) {
  const std::vector<float> x = reference::normal_matrix(12, 7, 4);
  const Dense a(12, 7, x.data());
  const Dense gram = reference::product(reference::transpose(a), a);
  const SymmetricEigen e = symmetric_eigen(7, gram.v.data());
  const Svd d = svd(12, 7, a.v.data());
  for (std::size_t i = 0; i < 7; ++i) EXPECT_NEAR(d.s[i] * d.s[i], e.values[i], 1e-12 * e.values[0]) << i;
}

}  // namespace
}  // namespace lq
