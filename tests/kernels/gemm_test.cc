#include "kernels/cpu/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "base/rng.h"

namespace lq::kernels {
namespace {

std::vector<float> random_vector(std::int64_t n, std::uint64_t stream) {
  ThreadPool pool(1);
  std::vector<float> v(static_cast<std::size_t>(n));
  Rng(7, stream).fill_normal(pool, v.data(), n);
  return v;
}

class GemmTest : public testing::TestWithParam<std::tuple<int, int, int>> {};

TEST_P(GemmTest, EqualsPlainLoopsForAllTranspositions) {
  const auto [m, n, k] = GetParam();
  ThreadPool pool(2);
  const auto a = random_vector(std::int64_t{m} * k, 1);
  const auto b = random_vector(std::int64_t{k} * n, 2);
  const auto c0 = random_vector(std::int64_t{m} * n, 3);
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      std::vector<float> c = c0;
      gemm(pool, m, n, k, a.data(), ta ? m : k, b.data(), tb ? k : n, c.data(), n,
           {.trans_a = ta, .trans_b = tb, .alpha = 0.5F, .beta = 2.0F});
      for (int i = 0; i < m; ++i) {
        for (int j = 0; j < n; ++j) {
          double sum = 0.0;
          double magnitude = 0.0;
          for (int l = 0; l < k; ++l) {
            const double p =
                double{ta ? a[l * m + i] : a[i * k + l]} * double{tb ? b[j * k + l] : b[l * n + j]};
            sum += p;
            magnitude += std::abs(p);
          }
          const double want = 0.5 * sum + 2.0 * c0[i * n + j];
          // Any summation order of k products errs by at most k * eps * sum |products|.
          const double bound =
              std::numeric_limits<float>::epsilon() * ((k + 2) * magnitude + 4.0 * std::abs(want) + 1e-30);
          ASSERT_NEAR(c[i * n + j], want, bound) << m << 'x' << n << 'x' << k << " at " << i << ',' << j;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, GemmTest,
                         testing::Values(std::tuple{1, 1, 1}, std::tuple{3, 5, 7}, std::tuple{16, 17, 15},
                                         std::tuple{257, 3, 64}, std::tuple{5, 513, 33},
                                         std::tuple{74, 74, 4097},
                                         // Rows 512 elements apart beside a thin operand: the copied slabs.
                                         std::tuple{9, 512, 300}, std::tuple{512, 9, 300},
                                         std::tuple{512, 512, 7}));

TEST(Gemm, SameBitsOnAnyNumberOfThreads) {
  for (const auto& [m, n, k] : {std::tuple{300, 700, 129}, std::tuple{40, 30, 9000}}) {
    const auto a = random_vector(std::int64_t{m} * k, 1);
    const auto b = random_vector(std::int64_t{k} * n, 2);
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 7}) {
      ThreadPool pool(threads);
      std::vector<float> c(static_cast<std::size_t>(m) * n);
      gemm(pool, m, n, k, a.data(), k, b.data(), n, c.data(), n);
      results.push_back(c);
    }
    EXPECT_EQ(results[0], results[1]);
    EXPECT_EQ(results[0], results[2]);
  }
}

TEST(Gemm, EmptyInnerDimensionScalesOutput) {
  ThreadPool pool(1);
  std::vector<float> c = {1.0F, 2.0F};
  gemm(pool, 1, 2, 0, nullptr, 0, nullptr, 2, c.data(), 2, {.beta = 3.0F});
  EXPECT_EQ(c, (std::vector<float>{3.0F, 6.0F}));
  c = {std::nanf(""), 2.0F};
  gemm(pool, 1, 2, 0, nullptr, 0, nullptr, 2, c.data(), 2);
  EXPECT_EQ(c, (std::vector<float>{0.0F, 0.0F}));
}

}  // namespace
}  // namespace lq::kernels
