#include "allocate/choices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "allocate/compensated_sum.h"
#include "base/rng.h"

namespace lq {
namespace {

std::vector<Choice> random_choices(std::uint64_t seed, int count, bool grid) {
  const Rng rng(seed);
  std::vector<Choice> choices;
  for (int c = 0; c < count; ++c) {
    double storage = 100 * rng.uniform(2 * static_cast<std::uint64_t>(c));
    double error = 10 * rng.uniform(2 * static_cast<std::uint64_t>(c) + 1);
    if (grid) storage = std::floor(storage / 10), error = std::floor(error);
    choices.push_back({storage, error, c});
  }
  return choices;
}

TEST(DropDominated, KeepsExactlyTheChoicesThatNoOtherBeats) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<Choice> all = random_choices(seed, 1 + static_cast<int>(seed % 40), seed % 2 == 0);
    std::vector<int> expected;
    for (const Choice& a : all) {
      const bool beaten = std::any_of(all.begin(), all.end(), [&](const Choice& b) {
        const bool no_worse = b.storage <= a.storage && b.error <= a.error;
        const bool same = b.storage == a.storage && b.error == a.error;
        return no_worse && (!same || b.column < a.column);
      });
      if (!beaten) expected.push_back(a.column);
    }
    std::vector<int> kept;
    const std::vector<Choice> efficient = drop_dominated(all);
    for (const Choice& c : efficient) kept.push_back(c.column);
    for (std::size_t k = 1; k < efficient.size(); ++k) {
      EXPECT_LT(efficient[k - 1].storage, efficient[k].storage);
      EXPECT_GT(efficient[k - 1].error, efficient[k].error);
    }
    std::sort(kept.begin(), kept.end());
    EXPECT_EQ(kept, expected) << "seed " << seed;
  }
}

TEST(DropDominated, DoesNotDependOnTheOrder) {
  std::vector<Choice> choices = random_choices(3, 50, true);
  const std::vector<Choice> one = drop_dominated(choices);
  std::reverse(choices.begin(), choices.end());
  const std::vector<Choice> other = drop_dominated(choices);
  ASSERT_EQ(one.size(), other.size());
  for (std::size_t k = 0; k < one.size(); ++k) EXPECT_EQ(one[k].column, other[k].column);
}

TEST(LowerHull, HoldsTheBestChoiceAtEveryPriceAndSlopesFall) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<Choice> efficient =
        drop_dominated(random_choices(seed, 1 + static_cast<int>(seed % 60), false));
    const std::vector<int> hull = lower_hull(efficient);
    ASSERT_EQ(hull.front(), 0);
    ASSERT_EQ(hull.back(), static_cast<int>(efficient.size()) - 1);
    double before = std::numeric_limits<double>::infinity();
    for (std::size_t k = 1; k < hull.size(); ++k) {
      const Choice& a = efficient[static_cast<std::size_t>(hull[k - 1])];
      const Choice& b = efficient[static_cast<std::size_t>(hull[k])];
      const double slope = (a.error - b.error) / (b.storage - a.storage);
      EXPECT_LT(slope, before);
      before = slope;
    }
    for (double price = 1e-4; price < 1e4; price *= 1.7) {
      const auto cost = [&](const Choice& c) { return c.error + price * c.storage; };
      double best = std::numeric_limits<double>::infinity();
      double best_on_hull = best;
      for (const Choice& c : efficient) best = std::min(best, cost(c));
      for (const int k : hull)
        best_on_hull = std::min(best_on_hull, cost(efficient[static_cast<std::size_t>(k)]));
      // Both are sums of two products; the corner itself is decided by a rounded quotient.
      EXPECT_NEAR(best_on_hull, best, 8 * std::numeric_limits<double>::epsilon() * best);
    }
  }
}

TEST(CompensatedSum, KeepsWhatPlainAdditionLoses) {
  CompensatedSum sum;
  sum.add(1);
  for (int k = 0; k < 1'000'000; ++k) sum.add(1e-17);  // each alone is lost beside 1
  EXPECT_NEAR(sum.value(), 1 + 1e-11, 4 * std::numeric_limits<double>::epsilon());
}

TEST(Fits, ABudgetMetExactlyIsMetWhateverTheRounding) {
  // 4.127 bits for each of many matrices of odd sizes, and a budget of 4.127 for the sum of the sizes.
  Programme programme;
  double weights = 0;
  for (int i = 0; i < 999; ++i) {
    const double size = 1009.0 * (i + 1) + 7 * i * i;
    weights += size;
    programme.matrices.push_back({{4.127 * size, 1, 0}});
  }
  programme.cap_of.assign(programme.matrices.size(), -1);
  const Selection all(programme.matrices.size(), 0);
  EXPECT_TRUE(fits(programme, all, 4.127 * weights));
  EXPECT_FALSE(fits(programme, all, 4.127 * weights * (1 - 1e-13)));
  programme.caps.push_back({"first two", 4.127 * 1009, {0, 1}});
  EXPECT_FALSE(fits(programme, all, 1e9 * weights));
}

}  // namespace
}  // namespace lq
