#include "base/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace lq {
namespace {

TEST(Rng, PhiloxMatchesThePublishedKnownAnswers) {
  // Random123's kat_vectors for philox4x32-10.
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Rng, NormalsAreTheSameForAnyThreadsAndAnyStart) {
  const Rng rng(3, stream_of("x"));
  std::vector<float> a(10001);
  std::vector<float> b(10001);
  ThreadPool one(1);
  ThreadPool seven(7);
  rng.fill_normal(one, a.data(), 10001);
  rng.fill_normal(seven, b.data(), 10001);
  EXPECT_EQ(a, b);
  rng.fill_normal(one, b.data(), 100, 33);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(b[i], a[i + 33]);
}

TEST(Rng, NormalsHaveMeanZeroAndVarianceOne) {
  std::vector<float> a(200000);
  ThreadPool pool(2);
  Rng(1).fill_normal(pool, a.data(), static_cast<std::int64_t>(a.size()));
  double sum = 0.0;
  double squares = 0.0;
  for (const float x : a) {
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += double{x} * x;
  }
  const double n = static_cast<double>(a.size());
  EXPECT_NEAR(sum / n, 0.0, 5.0 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1.0, 5.0 * std::sqrt(2.0 / n));
}

TEST(Rng, BelowStaysBelowAndReachesAll) {
  const Rng rng(9);
  std::vector<int> seen(7, 0);
  for (std::uint64_t i = 0; i < 700; ++i) ++seen[rng.below(i, 7)];
  for (const int count : seen) EXPECT_GT(count, 50);
}

TEST(Rng, StreamsAndSeedsDiffer) {
  EXPECT_NE(Rng(1, 2).words(0), Rng(1, 3).words(0));
  EXPECT_NE(Rng(1, 2).words(0), Rng(2, 2).words(0));
  EXPECT_NE(stream_of("a"), stream_of("b"));
}

}  // namespace
}  // namespace lq
