#include "allocate/core_search.h"

#include <gtest/gtest.h>

#include "reference/exhaustive_allocation.h"

namespace lq {
namespace {

TEST(CoreSearch, FindsTheOptimumOrProvesThatNothingIsBelowTheTarget) {
  int found = 0;
  int proven = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const Programme programme = reference::random_programme(seed, false);
    const double budget = reference::random_budget(programme, seed);
    const LagrangianSolution relaxed = Relaxation(programme).at(budget);
    const double optimum = total_error(programme, *reference::exhaustive(programme, budget));
    const double greedy = total_error(programme, relaxed.greedy);
    for (const double target : {greedy, greedy * (1 + 1e-9), optimum * 1.3, optimum * 0.999}) {
      if (target <= relaxed.bound * (1 + 1e-9)) continue;
      const CoreSearchResult result = core_search(programme, budget, relaxed, {.target = target, .gap = 0});
      // Sums of differences from the origin: rounding relative to the largest error in the programme.
      const double rounding = 1e-11 * std::max(greedy, target);
      EXPECT_LE(result.bound, std::max(target, optimum) + rounding);
      if (result.found) {
        ++found;
        EXPECT_TRUE(fits(programme, *result.found, budget));
        EXPECT_NEAR(total_error(programme, *result.found), optimum, rounding) << "seed " << seed;
        EXPECT_NEAR(result.bound, optimum, rounding) << "seed " << seed;
      } else {
        ++proven;
        EXPECT_GE(optimum, target - rounding) << "seed " << seed;
        EXPECT_EQ(result.bound, target);
      }
    }
  }
  EXPECT_GT(found, 500);
  EXPECT_GT(proven, 500);
}

TEST(CoreSearch, TooFewStatesCostTheProofNotTheTruth) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Programme programme = reference::random_programme(seed, false);
    const double budget = reference::random_budget(programme, seed);
    const LagrangianSolution relaxed = Relaxation(programme).at(budget);
    const double greedy = total_error(programme, relaxed.greedy);
    if (greedy <= relaxed.bound * (1 + 1e-9)) continue;
    const CoreSearchResult result =
        core_search(programme, budget, relaxed, {.target = greedy * (1 + 1e-6), .gap = 0, .max_states = 2});
    const double optimum = total_error(programme, *reference::exhaustive(programme, budget));
    EXPECT_LE(result.most_states, 2U);
    EXPECT_LE(result.bound, optimum + 1e-11 * greedy) << "seed " << seed;
    EXPECT_TRUE(!result.found || fits(programme, *result.found, budget));
  }
}

TEST(CoreSearch, AGapMayEndWithinItButNotOutside) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Programme programme = reference::random_programme(seed, false);
    const double budget = reference::random_budget(programme, seed);
    const LagrangianSolution relaxed = Relaxation(programme).at(budget);
    const double greedy = total_error(programme, relaxed.greedy);
    const double target = greedy * 0.95;
    if (target <= relaxed.bound) continue;
    const CoreSearchResult result = core_search(programme, budget, relaxed, {.target = target, .gap = 0.05});
    const double optimum = total_error(programme, *reference::exhaustive(programme, budget));
    const double best = result.found ? total_error(programme, *result.found) : greedy;
    EXPECT_LE(best * 0.95, optimum * (1 + 1e-11)) << "seed " << seed;
    EXPECT_LE(result.bound, optimum * (1 + 1e-11));
  }
}

}  // namespace
}  // namespace lq
