#include "allocate/integer_programme.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "reference/exhaustive_allocation.h"

namespace lq {
namespace {

// What the process writes to a file descriptor while this is alive.
class Captured {
 public:
  explicit Captured(int fd) : fd_(fd), saved_(dup(fd)), file_(std::tmpfile()) {
    std::fflush(nullptr);
    dup2(fileno(file_), fd_);
  }
  ~Captured() {
    restore();
    std::fclose(file_);
  }
  long bytes() {
    restore();
    std::fseek(file_, 0, SEEK_END);
    return std::ftell(file_);
  }

 private:
  void restore() {
    if (saved_ < 0) return;
    std::fflush(nullptr);
    dup2(saved_, fd_);
    close(saved_);
    saved_ = -1;
  }
  int fd_;
  int saved_;
  std::FILE* file_;
};

class BranchAndCutTest : public ::testing::TestWithParam<bool> {};

TEST_P(BranchAndCutTest, FindsTheOptimumOrProvesThatNothingIsBelowTheTarget) {
  int found = 0;
  int proven = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Programme programme = reference::random_programme(seed, GetParam());
    const double budget = reference::random_budget(programme, seed);
    const LagrangianSolution relaxed = Relaxation(programme).at(budget);
    const double optimum = total_error(programme, *reference::exhaustive(programme, budget));
    const double greedy = total_error(programme, relaxed.greedy);
    for (const double target : {greedy * 1.01, optimum * 0.999}) {
      if (target <= relaxed.bound * (1 + 1e-6)) continue;
      const BranchAndCutResult result =
          branch_and_cut(programme, budget, relaxed, {.target = target, .max_nodes = 100'000});
      ASSERT_TRUE(result.finished);
      // CBC's tolerance is 1e-7 of coefficients of about 1000 for the distance between bound and target.
      const double tolerance = 1e-8 * (target - relaxed.bound) + 1e-12 * target;
      EXPECT_LE(result.bound, std::max(target, optimum) + tolerance);
      if (result.found) {
        ++found;
        EXPECT_TRUE(fits(programme, *result.found, budget));
        EXPECT_NEAR(total_error(programme, *result.found), optimum, tolerance) << "seed " << seed;
      } else {
        ++proven;
        EXPECT_GE(optimum, target - tolerance) << "seed " << seed;
        EXPECT_EQ(result.bound, target);
      }
    }
  }
  EXPECT_GT(found, 20);
  EXPECT_GT(proven, 20);
}

INSTANTIATE_TEST_SUITE_P(Caps, BranchAndCutTest, ::testing::Bool());

TEST(BranchAndCut, PrintsNothingAndGivesTheSameTwice) {
  const Programme programme = reference::random_programme(17, false);
  const double budget = reference::random_budget(programme, 17);
  const LagrangianSolution relaxed = Relaxation(programme).at(budget);
  const double target = total_error(programme, relaxed.greedy) * 1.5;
  ASSERT_GT(target, relaxed.bound);
  Captured out(STDOUT_FILENO);
  Captured err(STDERR_FILENO);
  const BranchAndCutLimits limits{.target = target, .max_nodes = 1000, .reduce = false};
  const BranchAndCutResult one = branch_and_cut(programme, budget, relaxed, limits);
  const BranchAndCutResult two = branch_and_cut(programme, budget, relaxed, limits);
  const long printed = out.bytes() + err.bytes();
  EXPECT_EQ(printed, 0);
  EXPECT_GT(one.columns, 0);
  ASSERT_TRUE(one.found && two.found);
  EXPECT_EQ(*one.found, *two.found);
  EXPECT_EQ(one.bound, two.bound);
}

TEST(BranchAndCut, DecidesByItselfWhereNothingIsOpen) {
  Programme programme;
  programme.matrices = {{{10, 8, 0}, {20, 3, 1}}, {{10, 6, 0}, {30, 2, 1}}};
  programme.cap_of = {-1, -1};
  const LagrangianSolution relaxed = Relaxation(programme).at(1000);  // the bound, 5, is the optimum
  const BranchAndCutResult result =
      branch_and_cut(programme, 1000, relaxed, {.target = 5.1, .max_nodes = 10});
  EXPECT_EQ(result.columns, 0);
  ASSERT_TRUE(result.found);
  EXPECT_EQ(*result.found, (Selection{1, 1}));
  EXPECT_EQ(result.bound, 5);
}

}  // namespace
}  // namespace lq
