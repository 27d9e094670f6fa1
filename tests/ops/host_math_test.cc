#include "ops/host_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/float16.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using reference::normals;

TEST(HostMath, SumsAreMadeInTheirOrderOnAnyNumberOfThreads) {
  const auto x = normals(150'001, 1);
  const auto y = normals(150'001, 2);
  double squares = 0.0;
  double distance = 0.0;
  for (std::size_t begin = 0; begin < x.size(); begin += kSumChunk) {
    double a = 0.0;
    double b = 0.0;
    for (std::size_t i = begin; i < std::min(x.size(), begin + kSumChunk); ++i) {
      a += double{x[i]} * double{x[i]};
      b += (double{x[i]} - double{y[i]}) * (double{x[i]} - double{y[i]});
    }
    squares += a;
    distance += b;
  }
  for (const int threads : {1, 7}) {
    ThreadPool pool(threads);
    EXPECT_EQ(sum_of_squares(pool, x), squares);
    EXPECT_EQ(squared_distance(pool, x, y), distance);
    EXPECT_EQ(sum_of_squares(pool, {}), 0.0);
  }
}

TEST(HostMath, StoreRoundedSaysWhatItChanged) {
  ThreadPool pool(2);
  const auto x = normals(70'003, 1);
  std::vector<std::byte> out(4 * x.size());
  EXPECT_EQ(store_rounded(pool, DType::kF32, x, out.data()), 0.0);
  const double error = store_rounded(pool, DType::kBf16, x, out.data());
  double want = 0.0;
  for (const float v : x) want += std::pow(double{to_float(to_bf16(v))} - double{v}, 2);
  EXPECT_NEAR(error, want, 1e-12 * want);
  EXPECT_GT(error, 0.0);
}

TEST(HostMath, FirstNotFinite) {
  ThreadPool pool(3);
  std::vector<float> x(600'000, 1.0F);
  EXPECT_EQ(first_not_finite(pool, x), 600'000);
  x[599'999] = std::nanf("");
  EXPECT_EQ(first_not_finite(pool, x), 599'999);
  x[262'144] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(first_not_finite(pool, x), 262'144);
}

TEST(HostMath, OneNumberAtATime) {
  ThreadPool pool(2);
  std::vector<float> x = {1.0F, 2.0F, 3.0F, 4.0F};
  const std::vector<float> y = {0.5F, 0.25F, 8.0F, -1.0F};
  subtract(pool, y, x, x);
  EXPECT_EQ(x, (std::vector<float>{-0.5F, -1.75F, 5.0F, -5.0F}));
  divide(pool, x, 3.0F, x);
  EXPECT_EQ(x[2], 5.0F / 3.0F);
  std::vector<float> to(6, 9.0F);
  copy_scaled_columns(2.0F, {y.data(), 2, 2}, {to.data(), 2, 3}, 1);
  EXPECT_EQ(to, (std::vector<float>{9.0F, 1.0F, 0.5F, 9.0F, 16.0F, -2.0F}));
  EXPECT_THROW(copy_scaled_columns(2.0F, {y.data(), 2, 2}, {to.data(), 2, 3}, 2), Error);
  EXPECT_THROW(subtract(pool, ConstVector(y).subspan(0, 3), x, x), Error);
}

TEST(HostMath, FillUniformIsAFunctionOfTheIndex) {
  const Rng rng(3, 4);
  std::vector<float> x(70'000);
  ThreadPool pool(7);
  fill_uniform(pool, rng, 0.5, x);
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(x[i], static_cast<float>((2.0 * rng.uniform(i) - 1.0) * 0.5));
    sum += x[i];
  }
  // Five standard deviations of a mean: 0.5 / sqrt(3 n).
  EXPECT_NEAR(sum / 70'000, 0.0, 5 * 0.5 / std::sqrt(3.0 * 70'000));
}

}  // namespace
}  // namespace lq
