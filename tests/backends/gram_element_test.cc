// Products of thin matrices with themselves, as CUDA threads share them.
#include "backends/cuda/gram_element.h"

#include <gtest/gtest.h>

#include <cmath>

#include "backends/gram_twin.h"
#include "reference/dense_matrix.h"

namespace lq::backends {
namespace {

TEST(GramElement, EveryPairIsSummedOnceAlongColumnsAndRows) {
  for (const auto& [count, k] : {std::pair{1, 1}, std::pair{17, 3}, std::pair{15, 16}, std::pair{513, 17},
                                 std::pair{700, 37}, std::pair{1024, 74}}) {
    for (const bool columns : {true, false}) {
      const std::int64_t rows = columns ? count : k;
      const std::int64_t cols = columns ? k : count;
      const std::vector<float> x = reference::normal_matrix(rows, cols, 7);
      const cuda::GramInput input{x.data(), count, k, columns ? k : 1, columns ? 1 : count};
      const std::vector<double> have = gram_as_threads(input);
      for (std::int64_t i = 0; i < k; ++i) {
        for (std::int64_t j = 0; j < k; ++j) {
          double want = 0.0;
          double size = 0.0;
          for (std::int64_t t = 0; t < count; ++t) {
            const double product = double{x[static_cast<std::size_t>(t * input.step + i * input.next)]} *
                                   double{x[static_cast<std::size_t>(t * input.step + j * input.next)]};
            want += product;
            size += std::abs(product);
          }
          ASSERT_NEAR(have[static_cast<std::size_t>(i * k + j)], want, 1e-12 * size)
              << count << " " << k << " " << i << " " << j;
        }
      }
    }
  }
}

TEST(GramElement, SidesAreScaledByRowThenByColumn) {
  std::vector<float> x = reference::normal_matrix(5, 3, 1);
  const std::vector<float> before = x;
  const std::vector<float> by_row = reference::normal_matrix(1, 5, 2);
  const std::vector<float> by_col = reference::normal_matrix(1, 3, 3);
  const cuda::ScaleSides both{3, by_row.data(), by_col.data(), x.data()};
  for (std::int64_t i = 0; i < 15; ++i) both(i);
  for (std::size_t i = 0; i < 15; ++i) EXPECT_EQ(x[i], before[i] * by_row[i / 3] * by_col[i % 3]);
  const cuda::ScaleSides one{3, nullptr, by_col.data(), x.data()};
  const std::vector<float> after = x;
  for (std::int64_t i = 0; i < 15; ++i) one(i);
  for (std::size_t i = 0; i < 15; ++i) EXPECT_EQ(x[i], after[i] * by_col[i % 3]);
}

}  // namespace
}  // namespace lq::backends
