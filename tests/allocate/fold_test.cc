#include "allocate/fold.h"

#include <gtest/gtest.h>

#include <limits>

#include "reference/exhaustive_allocation.h"

namespace lq {
namespace {

TEST(Folded, HoldsTheOptimumWithoutCaps) {
  int with_caps = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const Programme programme = reference::random_programme(seed, true);
    const double budget = reference::random_budget(programme, seed);
    const auto best = reference::exhaustive(programme, budget);
    ASSERT_TRUE(best.has_value());
    const double optimum = total_error(programme, *best);
    const LagrangianSolution relaxed = Relaxation(programme).at(budget);
    // A window that just holds the optimum, and one that holds everything.
    for (const double window :
         {optimum - relaxed.bound + 1e-9 * optimum, std::numeric_limits<double>::infinity()}) {
      if (window <= 0) continue;
      const Folded folded(programme, relaxed, window, 100'000);
      EXPECT_TRUE(folded.complete());
      ASSERT_FALSE(folded.programme().matrices.empty()) << "seed " << seed;
      EXPECT_TRUE(folded.programme().caps.empty());
      const auto same = reference::exhaustive(folded.programme(), budget);
      ASSERT_TRUE(same.has_value()) << "seed " << seed;
      const Selection expanded = folded.expand(*same);
      EXPECT_TRUE(fits(programme, expanded, budget)) << "seed " << seed;
      EXPECT_NEAR(total_error(programme, expanded), optimum, 1e-12 * optimum) << "seed " << seed;
    }
    with_caps += programme.caps.empty() ? 0 : 1;
  }
  EXPECT_GT(with_caps, 500);
}

TEST(Folded, SaysWhenCombinationsWereDropped) {
  Programme programme;
  programme.matrices = {{{10, 8, 0}, {20, 3, 1}, {40, 1, 2}}, {{10, 6, 0}, {30, 2, 1}}};
  programme.caps = {{"all", 60, {0, 1}}};
  programme.cap_of = {0, 0};
  const LagrangianSolution relaxed = Relaxation(programme).at(100);
  EXPECT_TRUE(Folded(programme, relaxed, 1e9, 100).complete());
  EXPECT_FALSE(Folded(programme, relaxed, 1e9, 1).complete());
  EXPECT_TRUE(Folded(programme, relaxed, 1e-9, 100).programme().matrices.empty());
}

}  // namespace
}  // namespace lq
