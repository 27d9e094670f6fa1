// Eigenvalues and eigenvectors of symmetric matrices (small_dense.h).
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "linalg/small_dense.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

using reference::Dense;

constexpr double kEigenEps = std::numeric_limits<double>::epsilon();

TEST(SmallEigen, ValuesDescendAndRebuildTheMatrix) {
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
  EXPECT_LE(reference::norm(reference::difference(rebuilt, a)), 100 * n * kEigenEps * reference::norm(a));
}

TEST(SmallEigen, ReadsTheLowerTriangleOnly) {
  std::vector<double> a = {2.0, 777.0, 1.0, 2.0};
  const SymmetricEigen e = symmetric_eigen(2, a.data());
  EXPECT_NEAR(e.values[0], 3.0, 10 * kEigenEps);
  EXPECT_NEAR(e.values[1], 1.0, 10 * kEigenEps);
}

// A reflection: 1 for what it keeps, -1 for what it turns round.
TEST(SmallEigen, NegativeValuesComeLast) {
  const std::vector<double> swap = {0.0, 1.0, 1.0, 0.0};
  const SymmetricEigen e = symmetric_eigen(2, swap.data());
  EXPECT_NEAR(e.values[0], 1.0, 10 * kEigenEps);
  EXPECT_NEAR(e.values[1], -1.0, 10 * kEigenEps);
  EXPECT_NEAR(e.vectors[0] * e.vectors[2], 0.5, 10 * kEigenEps) << "along (1, 1)";
  EXPECT_NEAR(e.vectors[1] * e.vectors[3], -0.5, 10 * kEigenEps) << "along (1, -1)";
}

TEST(SmallEigen, ColumnsBelongToTheirValues) {
  const std::vector<double> a = {1.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, -2.0};
  const SymmetricEigen e = symmetric_eigen(3, a.data());
  EXPECT_NEAR(e.values[0], 5.0, 10 * kEigenEps);
  EXPECT_NEAR(e.values[1], 1.0, 10 * kEigenEps);
  EXPECT_NEAR(e.values[2], -2.0, 10 * kEigenEps);
  EXPECT_NEAR(std::abs(e.vectors[3]), 1.0, 10 * kEigenEps) << "5 is the second axis'";
  EXPECT_NEAR(std::abs(e.vectors[1]), 1.0, 10 * kEigenEps);
  EXPECT_NEAR(std::abs(e.vectors[8]), 1.0, 10 * kEigenEps);
}

TEST(SmallEigen, OneNumberAndZeros) {
  const double one = -3.0;
  EXPECT_EQ(symmetric_eigen(1, &one).values, (std::vector<double>{-3.0}));
  const std::vector<double> zero(16, 0.0);
  const SymmetricEigen e = symmetric_eigen(4, zero.data());
  EXPECT_EQ(e.values, std::vector<double>(4, 0.0));
  EXPECT_LE(reference::orthonormality_defect(Dense(4, 4, e.vectors.data())), 10 * kEigenEps);
}

}  // namespace
}  // namespace lq
