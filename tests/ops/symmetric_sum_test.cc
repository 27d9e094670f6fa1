#include "ops/symmetric_sum.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reference/random_values.h"

namespace lq {
namespace {

std::vector<float> moment(int threads, std::int64_t n, std::initializer_list<std::int64_t> parts) {
  ThreadPool pool(threads);
  SymmetricSum sum(n);
  std::uint64_t stream = 0;
  for (const std::int64_t rows : parts) {
    const std::vector<float> x = reference::normal(4, rows * n, stream++);
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
      const std::vector<float> x = reference::normal(4, rows * n, stream++);
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

TEST(SymmetricSumTest, WeighsByTheNormsOfOtherRows) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  constexpr std::int64_t kRows = 150;
  constexpr std::int64_t kWidth = 70;
  constexpr std::int64_t kOther = 9;
  std::vector<float> x = reference::normal(4, kRows * kWidth, 1);
  std::vector<float> g = reference::normal(4, kRows * kOther, 2);
  const Tensor scaled = scaled_by_norms(ctx, {x.data(), kRows, kWidth}, {g.data(), kRows, kOther});
  double trace = 0.0;
  for (std::int64_t t = 0; t < kRows; ++t) {
    double square = 0.0;
    for (std::int64_t i = 0; i < kOther; ++i)
      square += std::pow(double{g[static_cast<std::size_t>(t * kOther + i)]}, 2);
    for (std::int64_t j = 0; j < kWidth; ++j) {
      const double want = std::sqrt(square) * double{x[static_cast<std::size_t>(t * kWidth + j)]};
      ASSERT_NEAR(scaled.data<float>()[t * kWidth + j], want, 1e-6 * std::abs(want));
      trace += want * want;
    }
  }
  SymmetricSum sum(kWidth);
  pool.run(sum.jobs(), [&](std::int64_t job) { sum.run_job(pool, job, scaled.data<float>(), kRows); });
  EXPECT_NEAR(sum.trace(), trace, 1e-5 * trace);
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

}  // namespace
}  // namespace lq
