#include "ops/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/elementwise.h"
#include "reference/numbers.h"

namespace lq {
namespace {

TEST(Reduce, SquaredNormIsTheSumInDoubleAndTheSameOnAnyNumberOfThreads) {
  NoProgress progress;
  for (const std::size_t n : {0, 1, 3, 65536, 200'003}) {
    const auto x = reference::normals(n, 1);
    long double want = 0.0L;
    for (const float v : x) want += static_cast<long double>(v) * v;
    double first = 0.0;
    for (const int threads : {1, 2, 7}) {
      ThreadPool pool(threads);
      Context ctx{pool, progress, 0, {}};
      const double have = squared_norm(ctx, x);
      if (threads == 1) first = have;
      EXPECT_EQ(have, first);
      EXPECT_NEAR(have, static_cast<double>(want), 1e-16 * static_cast<double>(n) * have);
    }
  }
}

TEST(Reduce, AllFiniteFindsOneBadNumberAnywhere) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::vector<float> x(70'000, 1.0F);
  EXPECT_TRUE(all_finite(ctx, x));
  EXPECT_TRUE(all_finite(ctx, {}));
  for (const std::size_t at : {std::size_t{0}, std::size_t{65'536}, x.size() - 1}) {
    for (const float bad : {std::nanf(""), -std::numeric_limits<float>::infinity()}) {
      auto y = x;
      y[at] = bad;
      EXPECT_FALSE(all_finite(ctx, y)) << at;
    }
  }
}

TEST(Elementwise, FillScaleBiasAndDropout) {
  ThreadPool pool(3);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::vector<float> x(150'000);
  fill(ctx, x, 3.0F);
  scale(ctx, 0.5F, x);
  for (const float v : x) ASSERT_EQ(v, 1.5F);

  const std::vector<float> bias = {1.0F, -2.0F, 4.0F};
  std::vector<float> y(3 * 130, 0.25F);
  bias_forward(ctx, bias, {y.data(), 130, 3});
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], 0.25F + bias[i % 3]);
  std::vector<float> dbias = {10.0F, 20.0F, 30.0F};
  bias_backward(ctx, {y.data(), 130, 3}, dbias);
  EXPECT_EQ(dbias, (std::vector<float>{10.0F + 130 * 1.25F, 20.0F - 130 * 1.75F, 30.0F + 130 * 4.25F}));

  const DropoutMask mask = dropout_mask(0.25F, 5, 6);
  std::vector<float> dropped(x.size());
  const auto n = static_cast<std::int64_t>(x.size());
  dropout_forward(ctx, mask, {x.data(), 1, n}, {dropped.data(), 1, n});
  double zeros = 0.0;
  for (const float v : dropped) {
    ASSERT_TRUE(v == 0.0F || v == 1.5F * mask.grow);
    zeros += v == 0.0F ? 1.0 : 0.0;
  }
  // Five standard deviations of a binomial count.
  EXPECT_NEAR(zeros, 0.25 * static_cast<double>(n), 5 * std::sqrt(0.25 * 0.75 * static_cast<double>(n)));
  for (const float rate : {-0.1F, 1.0F, std::nanf("")}) EXPECT_THROW(dropout_mask(rate, 0, 0), Error);
}

}  // namespace
}  // namespace lq
