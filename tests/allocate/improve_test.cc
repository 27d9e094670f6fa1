#include "allocate/improve.h"

#include <gtest/gtest.h>

#include <limits>

#include "allocate/relaxation.h"
#include "reference/exhaustive_allocation.h"

namespace lq {
namespace {

constexpr ImproveLimits kEverything{0, std::numeric_limits<double>::infinity()};

// Whether changing at most two matrices lowers the error by more than rounding; with caps, as improve()
// promises, pairs of which one lies under the cap that only both together respect are left out.
bool a_pair_improves(const Programme& programme, double budget, const Selection& selection) {
  const double error = total_error(programme, selection);
  const auto better = [&](const Selection& s) {
    return fits(programme, s, budget) && total_error(programme, s) < error * (1 - 1e-12);
  };
  for (std::size_t i = 0; i < selection.size(); ++i) {
    for (std::size_t j = i; j < selection.size(); ++j) {
      Selection s = selection;
      for (s[i] = 0; s[i] < static_cast<int>(programme.matrices[i].size()); ++s[i]) {
        if (i == j) {
          if (better(s)) return true;
          continue;
        }
        for (s[j] = 0; s[j] < static_cast<int>(programme.matrices[j].size()); ++s[j]) {
          if (better(s)) return true;
        }
      }
    }
  }
  return false;
}

TEST(Improve, EndsWhereNoPairOfChangesHelps) {
  int improved = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Programme programme = reference::random_programme(seed, false);
    const double budget = reference::random_budget(programme, seed);
    const LagrangianSolution relaxed = Relaxation(programme).at(budget);
    Selection selection(programme.matrices.size(), 0);  // far from good
    const double before = total_error(programme, selection);
    improve(programme, budget, relaxed.reduced, kEverything, selection);
    EXPECT_TRUE(fits(programme, selection, budget));
    EXPECT_LE(total_error(programme, selection), before);
    EXPECT_FALSE(a_pair_improves(programme, budget, selection)) << "seed " << seed;
    improved += total_error(programme, selection) < before ? 1 : 0;
  }
  EXPECT_GT(improved, 100);
}

TEST(Improve, RespectsCapsAndUsesPairsWithinOne) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Programme programme = reference::random_programme(seed, true);
    const double budget = reference::random_budget(programme, seed);
    const LagrangianSolution relaxed = Relaxation(programme).at(budget);
    Selection selection = relaxed.greedy;
    improve(programme, budget, relaxed.reduced, kEverything, selection);
    EXPECT_TRUE(fits(programme, selection, budget)) << "seed " << seed;
    EXPECT_LE(total_error(programme, selection), total_error(programme, relaxed.greedy));
  }
  // Under a full cap only a swap helps: the first gives 10 bits back, the second takes them.
  Programme programme;
  programme.matrices = {{{10, 2, 0}, {20, 1, 1}}, {{10, 9, 0}, {20, 1, 1}}};
  programme.caps = {{"both", 30, {0, 1}}};
  programme.cap_of = {0, 0};
  Selection selection = {1, 0};
  const LagrangianSolution relaxed = Relaxation(programme).at(1000);
  improve(programme, 1000, relaxed.reduced, kEverything, selection);
  EXPECT_EQ(selection, (Selection{0, 1}));
}

TEST(Improve, StopsWhenGoodEnoughAndStaysWithinTheWindow) {
  Programme programme;
  programme.matrices = {{{10, 4, 0}, {20, 1, 1}}, {{10, 4, 0}, {20, 1, 1}}};
  programme.cap_of = {-1, -1};
  const std::vector<std::vector<double>> reduced = {{0, 0}, {0, 5}};
  Selection selection = {0, 0};
  improve(programme, 1000, reduced, {8.0, 100.0}, selection);
  EXPECT_EQ(selection, (Selection{0, 0}));  // 8 is good enough
  improve(programme, 1000, reduced, {0.0, 5.0}, selection);
  EXPECT_EQ(selection, (Selection{1, 0}));  // the other choice is outside the window
}

}  // namespace
}  // namespace lq
