#include "linalg/small_dense.h"

#include <gtest/gtest.h>

#include <limits>

#include "reference/dense_matrix.h"

namespace lq {
namespace {

using reference::Dense;

constexpr double kEps = std::numeric_limits<double>::epsilon();

TEST(SmallDense, EigenvaluesDescendAndRebuildTheMatrix) {
  const std::int64_t n = 23;
  const std::vector<float> x = reference::normal_matrix(n, n, 1);
  const Dense a = reference::product(Dense(n, n, x.data()), reference::transpose(Dense(n, n, x.data())));
  const SymmetricEigen e = symmetric_eigen(n, a.v.data());
  Dense scaled(n, n, e.vectors.data());
  for (std::int64_t i = 0; i < n; ++i) {
    if (i > 0) {
      EXPECT_LE(e.values[i], e.values[i - 1]);
    }
    for (std::int64_t k = 0; k < n; ++k) scaled.at(i, k) *= e.values[k];
  }
  const Dense rebuilt = reference::product(scaled, reference::transpose(Dense(n, n, e.vectors.data())));
  EXPECT_LE(reference::norm(reference::difference(rebuilt, a)), 100 * n * kEps * reference::norm(a));
}

TEST(SmallDense, EigenReadsTheLowerTriangleOnly) {
  std::vector<double> a = {2.0, 777.0, 1.0, 2.0};
  const SymmetricEigen e = symmetric_eigen(2, a.data());
  EXPECT_NEAR(e.values[0], 3.0, 10 * kEps);
  EXPECT_NEAR(e.values[1], 1.0, 10 * kEps);
}

TEST(SmallDense, SvdRebuildsTallWideAndZeroMatrices) {
  for (const auto& [m, n] : {std::pair{17, 5}, std::pair{5, 17}, std::pair{1, 9}, std::pair{9, 1}}) {
    for (const bool zero : {false, true}) {
      const std::vector<float> x = reference::normal_matrix(m, n, 2);
      Dense a(m, n, x.data());
      if (zero) a.v.assign(a.v.size(), 0.0);
      const Svd d = svd(m, n, a.v.data());
      const std::int64_t k = std::min(m, n);
      Dense us(m, k, d.u.data());
      EXPECT_LE(reference::orthonormality_defect(us), 100 * m * kEps);
      EXPECT_LE(reference::orthonormality_defect(reference::transpose(Dense(k, n, d.vt.data()))),
                100 * n * kEps);
      for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < k; ++j) us.at(i, j) *= d.s[j];
      }
      const Dense rebuilt = reference::product(us, Dense(k, n, d.vt.data()));
      EXPECT_LE(reference::norm(reference::difference(rebuilt, a)),
                100 * (m + n) * kEps * (reference::norm(a) + 1e-30));
    }
  }
}

TEST(SmallDense, CholeskyFactorMultipliesBackAndInverts) {
  const std::int64_t n = 19;
  const std::vector<float> x = reference::normal_matrix(n, n + 5, 3);
  const Dense a =
      reference::product(Dense(n, n + 5, x.data()), reference::transpose(Dense(n, n + 5, x.data())));
  Dense l = a;
  ASSERT_TRUE(cholesky_in_place(n, l.v.data()));
  EXPECT_EQ(l.at(0, n - 1), 0.0);
  EXPECT_LE(reference::norm(reference::difference(reference::product(l, reference::transpose(l)), a)),
            100 * n * kEps * reference::norm(a));
  Dense inverse = l;
  invert_lower_in_place(n, inverse.v.data());
  EXPECT_LE(reference::orthonormality_defect(reference::product(inverse, l)), 1e-9);
}

TEST(SmallDense, CholeskyRefusesIndefiniteMatrices) {
  std::vector<double> indefinite = {1.0, 2.0, 2.0, 1.0};
  EXPECT_FALSE(cholesky_in_place(2, indefinite.data()));
  std::vector<double> zero(4, 0.0);
  EXPECT_FALSE(cholesky_in_place(2, zero.data()));
}

}  // namespace
}  // namespace lq
