// SymmetricSum and FisherSum against loops in double, at sizes around their tiles.
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "calibrate/fisher_sum.h"
#include "calibrate/symmetric_sum.h"

namespace lq {
namespace {

std::vector<float> normal(std::int64_t count, std::uint64_t stream) {
  ThreadPool pool(1);
  std::vector<float> x(static_cast<std::size_t>(count));
  Rng(4, stream).fill_normal(pool, x.data(), count);
  return x;
}

std::vector<float> moment(int threads, std::int64_t n, std::initializer_list<std::int64_t> parts) {
  ThreadPool pool(threads);
  SymmetricSum sum(n);
  std::uint64_t stream = 0;
  for (const std::int64_t rows : parts) {
    const std::vector<float> x = normal(rows * n, stream++);
    pool.run(sum.jobs(), [&](std::int64_t job) { sum.run_job(pool, job, x.data(), rows); });
  }
  std::vector<float> out(static_cast<std::size_t>(n * n));
  sum.write(pool, 0.5, out.data());
  return out;
}

TEST(SymmetricSumTest, EqualsTheDefinition) {
  for (const std::int64_t n : {1, 15, 64, 65, 130, 300, 513, 700}) {
    const std::vector<float> have = moment(2, n, {33, 7});
    std::vector<double> want(static_cast<std::size_t>(n * n), 0.0);
    std::uint64_t stream = 0;
    for (const std::int64_t rows : {33, 7}) {
      const std::vector<float> x = normal(rows * n, stream++);
      for (std::int64_t t = 0; t < rows; ++t) {
        const float* row = x.data() + t * n;
        for (std::int64_t i = 0; i < n; ++i) {
          for (std::int64_t j = 0; j < n; ++j) {
            want[static_cast<std::size_t>(i * n + j)] += 0.5 * double{row[i]} * double{row[j]};
          }
        }
      }
    }
    // 33 products of normal numbers added in f32: 33 roundings of at most eps/2 of sums below 200.
    for (std::size_t i = 0; i < want.size(); ++i) {
      ASSERT_NEAR(have[i], want[i], 33 * 6e-8 * 200) << n << " at " << i;
      ASSERT_EQ(have[i], have[i % static_cast<std::size_t>(n) * static_cast<std::size_t>(n) +
                              i / static_cast<std::size_t>(n)]);
    }
  }
}

TEST(SymmetricSumTest, SameBitsOnAnyThreads) {
  const std::vector<float> one = moment(1, 700, {100, 30});
  EXPECT_EQ(moment(2, 700, {100, 30}), one);
  EXPECT_EQ(moment(7, 700, {100, 30}), one);
}

TEST(SymmetricSumTest, HoldsHalfOfTheMatrix) {
  // Half, and half of a strip (of at most 256 rows) above the diagonal.
  EXPECT_LE(SymmetricSum::bytes(4096), (4096 + 256) * 4096 / 2 * static_cast<std::int64_t>(sizeof(double)));
}

TEST(FisherSumTest, EqualsTheDefinition) {
  const std::vector<std::int64_t> starts = {0, 5, 6, 20};
  for (const auto& [rows, cols] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {64, 256}, {65, 257}, {130, 31}, {600, 300}}) {
    const std::vector<float> dy = normal(20 * rows, 1);
    const std::vector<float> x = normal(20 * cols, 2);
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
          // A gradient of 14 products of normal numbers (at most some 40) is off by 14 eps/2 of it.
          ASSERT_NEAR(sum.full()[i * cols + j], w, 1e-5 * w + 1e-4) << rows << " " << cols;
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
