#include "allocate/relaxation.h"

#include <gtest/gtest.h>

#include "reference/exhaustive_allocation.h"

namespace lq {
namespace {

class RelaxationTest : public ::testing::TestWithParam<bool> {};

TEST_P(RelaxationTest, BoundsTheOptimumAndEveryForcedChoice) {
  int forced = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Programme programme = reference::random_programme(seed, GetParam());
    const double budget = reference::random_budget(programme, seed);
    const Relaxation relaxation(programme);
    const LagrangianSolution solution = relaxation.at(budget);
    EXPECT_TRUE(fits(programme, solution.greedy, budget)) << "seed " << seed;
    const auto best = reference::exhaustive(programme, budget);
    ASSERT_TRUE(best.has_value());
    const double optimum = total_error(programme, *best);
    const double greedy = total_error(programme, solution.greedy);
    const double rounding = 1e-12 * std::max(greedy, optimum);
    EXPECT_LE(solution.bound, optimum + rounding) << "seed " << seed;
    EXPECT_GE(greedy, optimum - rounding);
    for (std::size_t i = 0; i < programme.matrices.size(); ++i) {
      for (std::size_t c = 0; c < programme.matrices[i].size(); ++c) {
        EXPECT_GE(solution.reduced[i][c], 0);
        Programme other = programme;
        other.matrices[i] = {programme.matrices[i][c]};
        if (const auto with = reference::exhaustive(other, budget)) {
          const double error = total_error(other, *with);
          EXPECT_GE(error, solution.bound + solution.reduced[i][c] - 1e-12 * (error + solution.reduced[i][c]))
              << "seed " << seed << " matrix " << i << " choice " << c;
          ++forced;
        }
      }
      EXPECT_EQ(*std::min_element(solution.reduced[i].begin(), solution.reduced[i].end()), 0);
    }
  }
  EXPECT_GT(forced, 1000);
}

INSTANTIATE_TEST_SUITE_P(Caps, RelaxationTest, ::testing::Bool());

TEST(Relaxation, IsTightWhereTheBudgetEndsAStep) {
  Programme programme;
  programme.matrices = {{{10, 8, 0}, {20, 3, 1}, {40, 1, 2}}, {{10, 6, 0}, {30, 2, 1}}};
  programme.cap_of = {-1, -1};
  const Relaxation relaxation(programme);
  EXPECT_EQ(relaxation.least(), 20);
  EXPECT_EQ(relaxation.most(), 70);
  const LagrangianSolution one = relaxation.at(30);  // after the step 8 -> 3
  EXPECT_DOUBLE_EQ(one.bound, 9);
  EXPECT_EQ(one.greedy, (Selection{1, 0}));
  const LagrangianSolution half = relaxation.at(40);  // half of the step 6 -> 2
  EXPECT_DOUBLE_EQ(half.bound, 7);
  EXPECT_DOUBLE_EQ(half.price, 0.2);
  const LagrangianSolution all = relaxation.at(1000);
  EXPECT_DOUBLE_EQ(all.bound, 3);
  EXPECT_EQ(all.price, 0);
  EXPECT_EQ(all.greedy, (Selection{2, 1}));
}

}  // namespace
}  // namespace lq
