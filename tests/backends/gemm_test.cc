#include "backends/cpu/gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "base/rng.h"

namespace lq::backends {
namespace {

std::vector<float> random_vector(std::int64_t n, std::uint64_t stream) {
  ThreadPool pool(1);
  std::vector<float> v(static_cast<std::size_t>(n));
  Rng(7, stream).fill_normal(pool, v.data(), n);
  return v;
}

// The largest magnitude of x[64 s], x[64 s + 1], ... of those 64 around l, where element l is at `at(l)`.
template <class At>
double slice_peak(const At& at, int l, int k) {
  double peak = 0.0;
  for (int i = l / 64 * 64; i < std::min(k, l / 64 * 64 + 64); ++i)
    peak = std::max(peak, std::abs(double{at(i)}));
  return peak;
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
      std::vector<float> c16 = c0;
      GemmOptions options{.trans_a = ta, .trans_b = tb, .alpha = 0.5F, .beta = 2.0F};
      gemm(pool, m, n, k, a.data(), ta ? m : k, b.data(), tb ? k : n, c.data(), n, options);
      options.precision = GemmPrecision::kI16;
      gemm(pool, m, n, k, a.data(), ta ? m : k, b.data(), tb ? k : n, c16.data(), n, options);
      std::vector<double> steps_a(static_cast<std::size_t>(m) * k);  // of rounding to 16 bits
      for (int i = 0; i < m; ++i) {
        for (int l = 0; l < k; ++l) {
          steps_a[i * k + l] =
              slice_peak([&](int e) { return ta ? a[e * m + i] : a[i * k + e]; }, l, k) / 8191;
        }
      }
      for (int j = 0; j < n; ++j) {
        std::vector<double> steps_b(static_cast<std::size_t>(k));
        for (int l = 0; l < k; ++l) {
          steps_b[l] = slice_peak([&](int e) { return tb ? b[j * k + e] : b[e * n + j]; }, l, k) / 4095;
        }
        for (int i = 0; i < m; ++i) {
          double sum = 0.0;
          double magnitude = 0.0;
          double rounding = 0.0;
          for (int l = 0; l < k; ++l) {
            const double x = ta ? a[l * m + i] : a[i * k + l];
            const double y = tb ? b[j * k + l] : b[l * n + j];
            sum += x * y;
            magnitude += std::abs(x * y);
            const double ex = 0.501 * steps_a[i * k + l];  // half a step, and the product's own rounding
            const double ey = 0.501 * steps_b[l];
            rounding += std::abs(x) * ey + std::abs(y) * ex + ex * ey;
          }
          const double want = 0.5 * sum + 2.0 * c0[i * n + j];
          // Any summation order of k products errs by at most k * eps * sum |products|.
          const double bound =
              std::numeric_limits<float>::epsilon() * ((k + 2) * magnitude + 4.0 * std::abs(want) + 1e-30);
          ASSERT_NEAR(c[i * n + j], want, bound) << m << 'x' << n << 'x' << k << " at " << i << ',' << j;
          ASSERT_NEAR(c16[i * n + j], want, bound + 0.5 * rounding)
              << m << 'x' << n << 'x' << k << " at " << i << ',' << j;
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
    for (const GemmPrecision precision : {GemmPrecision::kF32, GemmPrecision::kI16}) {
      std::vector<std::vector<float>> results;
      for (const int threads : {1, 2, 7}) {
        ThreadPool pool(threads);
        std::vector<float> c(static_cast<std::size_t>(m) * n);
        gemm(pool, m, n, k, a.data(), k, b.data(), n, c.data(), n, {.precision = precision});
        results.push_back(c);
      }
      EXPECT_EQ(results[0], results[1]);
      EXPECT_EQ(results[0], results[2]);
    }
  }
}

// A row made where it is packed gives what the same row in memory gives.
TEST(Gemm, RowsMadeOnTheWay) {
  ThreadPool pool(2);
  const std::int64_t m = 33;
  for (const auto& [n, k] :
       {std::tuple{65, 130}, std::tuple{130, 65}, std::tuple{70, 40000}, std::tuple{40000, 70}}) {
    for (const bool trans : {false, true}) {
      for (const GemmPrecision precision : {GemmPrecision::kF32, GemmPrecision::kI16}) {
        const auto a = random_vector(m * k, 1);
        const auto b = random_vector(std::int64_t{k} * n, 2);
        const std::int64_t length = trans ? k : n;
        const GemmRows rows = [&](std::int64_t begin, std::int64_t count, float* out) {
          std::copy_n(b.data() + begin * length, count * length, out);
        };
        std::vector<float> c(static_cast<std::size_t>(m * n));
        std::vector<float> want(static_cast<std::size_t>(m * n));
        gemm_rows(pool, m, n, k, a.data(), k, rows, c.data(), n, {.trans_b = trans, .precision = precision});
        gemm(pool, m, n, k, a.data(), k, b.data(), length, want.data(), n,
             {.trans_b = trans, .precision = precision});
        // Long inner dimensions are cut in other places.
        for (std::size_t e = 0; e < c.size(); ++e)
          ASSERT_NEAR(c[e], want[e], 2e-6 * k) << n << 'x' << k << trans;
      }
    }
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
}  // namespace lq::backends
