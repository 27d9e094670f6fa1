#include "linalg/orthonormalize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "reference/dense_matrix.h"

namespace lq {
namespace {

using reference::Dense;

// Columns in f32: a dot product of length m errs by a few eps times sqrt(m) here, never by more than m eps.
double orthonormal_bound(std::int64_t m) { return 4e-7 * std::sqrt(static_cast<double>(m)) + 2e-6; }

// ||(I - q q^T) y|| / ||y||: how much of y's columns q's span misses.
double missed(const Dense& q, const Dense& y) {
  const Dense inside = reference::product(q, reference::product(reference::transpose(q), y));
  return reference::norm(reference::difference(y, inside)) / reference::norm(y);
}

void expect_basis(std::int64_t m, std::int64_t k, const std::vector<float>& y) {
  ThreadPool pool(2);
  std::vector<float> q = y;
  std::vector<float> work;
  orthonormalize(pool, m, k, q, work);
  const Dense basis(m, k, q.data());
  EXPECT_LE(reference::orthonormality_defect(basis), orthonormal_bound(m)) << m << " x " << k;
  if (reference::norm(Dense(m, k, y.data())) > 0.0) {
    EXPECT_LE(missed(basis, Dense(m, k, y.data())), 1e-5) << m << " x " << k;
  }
}

TEST(Orthonormalize, RandomColumns) {
  for (const auto& [m, k] : {std::tuple{1, 1}, std::tuple{7, 7}, std::tuple{100, 3}, std::tuple{1000, 74}}) {
    expect_basis(m, k, reference::normal_matrix(m, k, 1));
  }
}

TEST(Orthonormalize, ColumnsOfVeryDifferentLength) {
  std::vector<float> y = reference::normal_matrix(300, 8, 2);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] *= std::pow(10.0F, static_cast<float>(i % 8) - 4.0F);
  expect_basis(300, 8, y);
}

TEST(Orthonormalize, NearlyDependentColumns) {
  for (const float apart : {1e-2F, 1e-4F, 1e-6F}) {
    std::vector<float> y = reference::normal_matrix(200, 4, 3);
    for (std::size_t i = 0; i < 200; ++i) y[4 * i + 3] = y[4 * i] + apart * y[4 * i + 3];
    expect_basis(200, 4, y);
  }
}

TEST(Orthonormalize, RankDeficientConstantAndZero) {
  std::vector<float> y = reference::normal_matrix(50, 6, 4);
  for (std::size_t i = 0; i < 50; ++i) y[6 * i + 5] = y[6 * i + 1];
  expect_basis(50, 6, y);
  expect_basis(50, 6, std::vector<float>(300, 1.0F));
  expect_basis(50, 6, std::vector<float>(300, 0.0F));
  for (std::size_t i = 0; i < 50; ++i) y[6 * i + 2] = 0.0F;
  expect_basis(50, 6, y);
}

TEST(Orthonormalize, TinyAndHugeEntries) {
  for (const float scale : {1e-30F, 1e30F}) {
    std::vector<float> y = reference::normal_matrix(40, 5, 5);
    for (float& v : y) v *= scale;
    expect_basis(40, 5, y);
  }
}

TEST(Orthonormalize, SameBitsOnAnyNumberOfThreads) {
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    std::vector<float> y = reference::normal_matrix(5000, 33, 6);
    std::vector<float> work;
    orthonormalize(pool, 5000, 33, y, work);
    results.push_back(y);
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

// What a round multiplies by, for who keeps y elsewhere.
TEST(Orthonormalize, TheDivisorOfAGramMatrixMakesColumnsOrthonormal) {
  const std::int64_t m = 40;
  const std::int64_t k = 6;
  const std::vector<float> y = reference::normal_matrix(m, k, 9);
  const reference::Dense dense(m, k, y.data());
  const reference::Dense gram = reference::product(reference::transpose(dense), dense);
  EXPECT_FALSE(nearly_orthonormal(k, gram.v));
  std::vector<double> used = gram.v;
  const std::vector<float> divisor = cholesky_divisor(k, used);
  ASSERT_EQ(divisor.size(), 36U);
  const reference::Dense q = reference::product(dense, reference::Dense(k, k, divisor.data()));
  EXPECT_LE(reference::orthonormality_defect(q), 1e-6);
  EXPECT_TRUE(nearly_orthonormal(k, reference::product(reference::transpose(q), q).v));
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t j = 0; j < i; ++j) EXPECT_EQ(divisor[static_cast<std::size_t>(i * k + j)], 0.0F);
  }
  std::vector<double> dependent(36, 1.0);
  EXPECT_TRUE(cholesky_divisor(k, dependent).empty());
  std::vector<double> zero(36, 0.0);
  EXPECT_TRUE(cholesky_divisor(k, zero).empty());
}

}  // namespace
}  // namespace lq
