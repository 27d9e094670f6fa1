#include "allocate/pursuit.h"

#include <gtest/gtest.h>

#include "reference/exhaustive_allocation.h"

namespace lq {
namespace {

class PursuitTest : public ::testing::TestWithParam<bool> {};

TEST_P(PursuitTest, EqualsExhaustiveSearchAtGapZero) {
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    const Programme programme = reference::random_programme(seed, GetParam());
    const double budget = reference::random_budget(programme, seed);
    const double optimum = total_error(programme, *reference::exhaustive(programme, budget));
    const Relaxation relaxation(programme);
    const SolveOptions options{.gap = 0, .branch_and_cut = false};
    Pursuit pursuit(programme, relaxation, budget, options);
    pursuit.run();
    EXPECT_TRUE(fits(programme, pursuit.selection(), budget));
    EXPECT_NEAR(pursuit.objective(), optimum, 1e-11 * optimum) << "seed " << seed;
    EXPECT_LE(pursuit.bound(), optimum * (1 + 1e-11)) << "seed " << seed;
    EXPECT_GE(pursuit.bound(), optimum * (1 - 1e-11)) << "seed " << seed;
  }
}

TEST_P(PursuitTest, BranchAndCutAloneAgrees) {
  int used = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Programme programme = reference::random_programme(seed, GetParam());
    const double budget = reference::random_budget(programme, seed);
    const double optimum = total_error(programme, *reference::exhaustive(programme, budget));
    const Relaxation relaxation(programme);
    const SolveOptions options{.gap = 1e-6, .core_search = false, .reduce = seed % 2 == 0};
    Pursuit pursuit(programme, relaxation, budget, options);
    pursuit.run();
    EXPECT_LE(pursuit.objective(), optimum * (1 + 1.1e-6)) << "seed " << seed;
    EXPECT_LE(pursuit.bound(), optimum * (1 + 1e-9)) << "seed " << seed;
    used += pursuit.trace().columns > 0 ? 1 : 0;
  }
  EXPECT_GT(used, 5);
}

INSTANTIATE_TEST_SUITE_P(Caps, PursuitTest, ::testing::Bool());

TEST(Pursuit, TraceFallsFromMeansToMeans) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Programme programme = reference::random_programme(seed, false);
    const Relaxation relaxation(programme);
    const SolveOptions options;
    Pursuit pursuit(programme, relaxation, reference::random_budget(programme, seed), options);
    pursuit.run();
    EXPECT_GE(pursuit.trace().greedy, pursuit.trace().improved);
    EXPECT_GE(pursuit.trace().improved, pursuit.trace().searched);
    EXPECT_GE(pursuit.trace().searched, pursuit.objective());
    EXPECT_GE(pursuit.objective(), pursuit.bound());
  }
}

}  // namespace
}  // namespace lq
