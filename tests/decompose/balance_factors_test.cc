#include "decompose/balance_factors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"

namespace lq {
namespace {

Tensor random_factor(std::int64_t rows, std::int64_t cols, float scale, std::uint64_t stream) {
  Tensor t = Tensor::empty(DType::kF32, {rows, cols});
  const Rng rng(5, stream);
  for (std::int64_t i = 0; i < t.numel(); ++i)
    t.mutable_data<float>()[i] = scale * static_cast<float>(rng.uniform(static_cast<std::uint64_t>(i)) - 0.5);
  return t;
}

std::vector<float> values_of(const Tensor& t) { return {t.data<float>(), t.data<float>() + t.numel()}; }

// Norms of l1's columns and of l2's rows.
std::vector<std::pair<double, double>> norms(const Tensor& l1, const Tensor& l2) {
  std::vector<std::pair<double, double>> all;
  const std::int64_t rows = l1.shape()[0], rank = l1.shape()[1], cols = l2.shape()[1];
  for (std::int64_t k = 0; k < rank; ++k) {
    double column = 0, row = 0;
    for (std::int64_t i = 0; i < rows; ++i) column += std::pow(l1.data<float>()[i * rank + k], 2);
    for (std::int64_t j = 0; j < cols; ++j) row += std::pow(l2.data<float>()[k * cols + j], 2);
    all.emplace_back(std::sqrt(column), std::sqrt(row));
  }
  return all;
}

TEST(BalanceFactors, EvensNormsAndKeepsEveryProductsBits) {
  for (const auto& [big, small] : {std::pair{300.0F, 1e-3F}, std::pair{1e-4F, 7.0F}, std::pair{1.0F, 1.0F}}) {
    Tensor l1 = random_factor(17, 3, big, 1), l2 = random_factor(3, 29, small, 2);
    const std::vector<float> before1 = values_of(l1), before2 = values_of(l2);
    balance_factors(l1, l2);
    for (const auto& [column, row] : norms(l1, l2)) {
      EXPECT_LE(column, row * 2.0 * (1 + 1e-12));
      EXPECT_LE(row, column * 2.0 * (1 + 1e-12));
    }
    for (std::int64_t i = 0; i < 17; ++i) {
      for (std::int64_t k = 0; k < 3; ++k) {
        for (std::int64_t j = 0; j < 29; ++j) {
          ASSERT_EQ(l1.data<float>()[i * 3 + k] * l2.data<float>()[k * 29 + j],
                    before1.at(static_cast<std::size_t>(i * 3 + k)) *
                        before2.at(static_cast<std::size_t>(k * 29 + j)));
        }
      }
    }
  }
}

TEST(BalanceFactors, LeavesZerosAlone) {
  Tensor l1 = Tensor::zeros(DType::kF32, {4, 1});
  Tensor l2 = random_factor(1, 5, 1.0F, 3);
  const std::vector<float> before = values_of(l2);
  balance_factors(l1, l2);
  EXPECT_EQ(values_of(l2), before);
}

}  // namespace
}  // namespace lq
