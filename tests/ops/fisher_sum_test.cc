#include "ops/fisher_sum.h"

#include <gtest/gtest.h>

#include "reference/random_values.h"

namespace lq {
namespace {

TEST(FisherSumTest, EqualsTheDefinition) {
  const std::vector<std::int64_t> starts = {0, 5, 6, 20};
  for (const auto& [rows, cols] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {64, 256}, {65, 257}, {130, 31}, {600, 300}}) {
    const std::vector<float> dy = reference::normal(4, 20 * rows, 1);
    const std::vector<float> x = reference::normal(4, 20 * cols, 2);
    std::vector<double> want(static_cast<std::size_t>(rows * cols), 0.0);
    for (std::size_t s = 0; s + 1 < starts.size(); ++s) {
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < cols; ++j) {
          double g = 0.0;
          for (std::int64_t t = starts[s]; t < starts[s + 1]; ++t) {
            g += double{dy[static_cast<std::size_t>(t * rows + i)]} *
                 double{x[static_cast<std::size_t>(t * cols + j)]};
          }
          want[static_cast<std::size_t>(i * cols + j)] += 2 * g * g;  // added twice below
        }
      }
    }
    std::vector<double> sums_of_one_thread;
    for (const int threads : {1, 2, 7}) {
      ThreadPool pool(threads);
      FisherSum sum(rows, cols, true);
      for (int twice = 0; twice < 2; ++twice) {
        pool.run(sum.jobs(), [&](std::int64_t job) { sum.run_job(pool, job, x.data(), dy.data(), starts); });
      }
      const std::vector<double> by_row = sum.row_sums();
      const std::vector<double> by_col = sum.col_sums();
      if (threads == 1) sums_of_one_thread = by_row;
      EXPECT_EQ(by_row, sums_of_one_thread);
      std::vector<double> want_col(static_cast<std::size_t>(cols), 0.0);
      for (std::int64_t i = 0; i < rows; ++i) {
        double want_row = 0.0;
        for (std::int64_t j = 0; j < cols; ++j) {
          const double w = want[static_cast<std::size_t>(i * cols + j)];
          want_row += w;
          want_col[static_cast<std::size_t>(j)] += w;
          // A gradient of 14 products of normal numbers (at most some 40) is
          // off by 14 eps/2 of it.
          ASSERT_NEAR(sum.full()[static_cast<std::size_t>(i * cols + j)], w, 1e-5 * w + 1e-4)
              << rows << " " << cols;
        }
        ASSERT_NEAR(by_row[static_cast<std::size_t>(i)], want_row, 1e-5 * want_row);
      }
      for (std::int64_t j = 0; j < cols; ++j) {
        const double w = want_col[static_cast<std::size_t>(j)];
        ASSERT_NEAR(by_col[static_cast<std::size_t>(j)], w, 1e-5 * w);
      }
    }
  }
}

}  // namespace
}  // namespace lq
