// The same bits from 1 to 5 ranks and on any number of threads, and the bits of the tree's definition.
#include "train/gradient_sum.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/rng.h"
#include "dist/alone/alone.h"
#include "support/thread_ranks.h"

namespace lq {
namespace {

constexpr std::int64_t kSize = 70'001;  // several jobs of the addition, and a tail

// Gradient of a micro-batch: sums in another order have other bits.
std::vector<float> gradient_of(std::int64_t micro_batch) {
  ThreadPool pool(1);
  std::vector<float> g(static_cast<std::size_t>(kSize));
  Rng(11, static_cast<std::uint64_t>(micro_batch)).fill_normal(pool, g.data(), kSize);
  g[5] = -0.0F;  // which 0 + -0 would lose
  return g;
}

// As dist/tree.h defines it.
std::vector<float> node(std::int64_t parts, std::int64_t begin, std::int64_t width) {
  if (width == 1) return gradient_of(begin);
  std::vector<float> sum = node(parts, begin, width / 2);
  if (begin + width / 2 < parts) {
    const std::vector<float> right = node(parts, begin + width / 2, width / 2);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += right[i];
  }
  return sum;
}

std::vector<float> by_definition(std::int64_t parts) {
  std::int64_t width = 1;
  while (width < parts) width *= 2;
  return node(parts, 0, width);
}

// What one rank does in a step; the result on this rank.
std::vector<float> summed(Collective& ranks, std::int64_t parts, int threads, int steps = 1) {
  ThreadPool pool(threads);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Parameter p;
  p.value = Tensor::zeros(DType::kF32, {kSize});
  p.make_trainable();
  GradientArena arena(ctx, {&p});
  GradientSum sum(arena, ranks);
  for (int step = 0; step < steps; ++step) {
    const PartRange own = sum.begin(ctx, parts);
    for (std::int64_t i = own.begin; i < own.end; ++i) {
      const std::vector<float> g = gradient_of(i);
      // A gradient is added to what backward finds, which is zero.
      for (std::size_t k = 0; k < g.size(); ++k) {
        EXPECT_EQ(p.grads()[k], 0.0F);
        p.grads()[k] = g[k];
      }
      sum.add(ctx);
    }
    sum.finish();
  }
  return {p.grads().begin(), p.grads().end()};
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(GradientSum, OneRankHasTheBitsOfTheTree) {
  Alone alone;
  for (std::int64_t parts = 1; parts <= 9; ++parts) {
    const auto expected = by_definition(parts);
    for (const int threads : {1, 7}) {
      EXPECT_TRUE(same_bits(summed(alone, parts, threads), expected)) << parts << " on " << threads;
    }
    EXPECT_TRUE(same_bits(summed(alone, parts, 2, 3), expected)) << parts << ", the third step";
  }
}

TEST(GradientSum, AnyNumberOfRanksHasTheSameBits) {
  for (std::int64_t parts = 1; parts <= 9; ++parts) {
    const auto expected = by_definition(parts);
    for (const int size : {1, 2, 3, 4, 5}) {
      std::vector<std::vector<float>> results(static_cast<std::size_t>(size));
      ThreadRanks ranks(size);
      ranks.run([&](Collective& c) {
        results[static_cast<std::size_t>(c.rank())] = summed(c, parts, 1 + c.rank() % 2);
      });
      for (const auto& result : results) EXPECT_TRUE(same_bits(result, expected)) << parts << " on " << size;
    }
  }
}

TEST(GradientSum, SaysWhatItNeeds) {
  EXPECT_EQ(GradientSum::spare_bytes(100, 1, 1), 0);
  EXPECT_EQ(GradientSum::spare_bytes(100, 2, 1), 400);
  EXPECT_EQ(GradientSum::spare_bytes(100, 8, 1), 1200);
  EXPECT_EQ(GradientSum::spare_bytes(100, 8, 4), 400);
}

}  // namespace
}  // namespace lq
