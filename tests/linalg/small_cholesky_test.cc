// Cholesky factors, inverses of triangles and Householder's orthonormal bases (small_dense.h).
#include <gtest/gtest.h>

#include <limits>

#include "linalg/small_dense.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

using reference::Dense;

constexpr double kCholeskyEps = std::numeric_limits<double>::epsilon();

TEST(SmallCholesky, FactorMultipliesBackAndInverts) {
  const std::int64_t n = 19;
  const std::vector<float> x = reference::normal_matrix(n, n + 5, 3);
  const Dense a =
      reference::product(Dense(n, n + 5, x.data()), reference::transpose(Dense(n, n + 5, x.data())));
  Dense l = a;
  ASSERT_TRUE(cholesky_in_place(n, l.v.data()));
  EXPECT_EQ(l.at(0, n - 1), 0.0);
  EXPECT_LE(reference::norm(reference::difference(reference::product(l, reference::transpose(l)), a)),
            100 * n * kCholeskyEps * reference::norm(a));
  Dense inverse = l;
  invert_lower_in_place(n, inverse.v.data());
  EXPECT_LE(reference::orthonormality_defect(reference::product(inverse, l)), 1e-9);
}

TEST(SmallCholesky, RefusesIndefiniteMatrices) {
  std::vector<double> indefinite = {1.0, 2.0, 2.0, 1.0};
  EXPECT_FALSE(cholesky_in_place(2, indefinite.data()));
  std::vector<double> zero(4, 0.0);
  EXPECT_FALSE(cholesky_in_place(2, zero.data()));
}

TEST(SmallCholesky, AFactorByHand) {
  std::vector<double> a = {4.0, 2.0, 2.0, 5.0};
  ASSERT_TRUE(cholesky_in_place(2, a.data()));
  EXPECT_EQ(a, (std::vector<double>{2.0, 0.0, 1.0, 2.0}));
  invert_lower_in_place(2, a.data());
  EXPECT_EQ(a, (std::vector<double>{0.5, 0.0, -0.25, 0.5}));
  double one = 9.0;
  ASSERT_TRUE(cholesky_in_place(1, &one));
  EXPECT_EQ(one, 3.0);
}

TEST(SmallCholesky, WhatIsNoNumberIsNotPositive) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> first = {nan, 0.0, 0.0, 1.0};
  EXPECT_FALSE(cholesky_in_place(2, first.data()));
  std::vector<double> last = {1.0, nan, nan, 1.0};
  EXPECT_FALSE(cholesky_in_place(2, last.data()));
  std::vector<double> large = {std::numeric_limits<double>::infinity()};
  EXPECT_FALSE(cholesky_in_place(1, large.data()));
}

// y's columns, in the basis and out of it again.
double lost_by_basis(std::int64_t m, std::int64_t k, const std::vector<float>& y) {
  std::vector<float> q = y;
  householder_orthonormalize(m, k, q.data());
  const Dense basis(m, k, q.data()), columns(m, k, y.data());
  EXPECT_LE(reference::orthonormality_defect(basis), 1e-6);
  const Dense inside = reference::product(basis, reference::product(reference::transpose(basis), columns));
  return reference::norm(reference::difference(columns, inside));
}

TEST(SmallHouseholder, TheBasisSpansTheColumns) {
  const std::vector<float> y = reference::normal_matrix(30, 5, 5);
  EXPECT_LE(lost_by_basis(30, 5, y), 1e-5);
  EXPECT_LE(lost_by_basis(5, 5, reference::normal_matrix(5, 5, 6)), 1e-5) << "square";
}

TEST(SmallHouseholder, AnyRankIsGoodEnough) {
  std::vector<float> twice = reference::normal_matrix(20, 4, 7);
  for (std::size_t i = 0; i < 20; ++i) twice[4 * i + 2] = 3.0F * twice[4 * i];
  EXPECT_LE(lost_by_basis(20, 4, twice), 1e-5);
  EXPECT_EQ(lost_by_basis(20, 4, std::vector<float>(80, 0.0F)), 0.0);
}

}  // namespace
}  // namespace lq
