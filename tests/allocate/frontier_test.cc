#include "allocate/frontier.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "reference/synthetic_table.h"

namespace lq {
namespace {

TEST(BudgetRange, GivesRoundNumbers) {
  const std::vector<double> budgets = budget_range();
  ASSERT_EQ(budgets.size(), 121U);
  EXPECT_EQ(budgets.front(), 2.2);
  EXPECT_EQ(budgets[11], 2.75);
  EXPECT_EQ(budgets.back(), 8.2);
  EXPECT_EQ(budget_range(3, 3, 1), (std::vector<double>{3}));
  EXPECT_EQ(budget_range(2, 3, 0.4).size(), 3U);
  EXPECT_THROW(budget_range(0, 3, 1), Error);
  EXPECT_THROW(budget_range(4, 3, 1), Error);
  EXPECT_THROW(budget_range(2, 3, 0), Error);
  EXPECT_THROW(budget_range(2, 3, 1e-9), Error);
}

TEST(Frontier, FallsAndIsProvenAndAgreesWithSolve) {
  const ErrorTable table = reference::synthetic_table(reference::llama_matrices(6, 256, 704, 256), 5);
  const Allocator allocator(table);
  const Frontier frontier = trace_frontier(allocator, budget_range(2.0, 9.0, 0.25));
  ThreadPool pool(3);
  EXPECT_EQ(trace_frontier(allocator, budget_range(2.0, 9.0, 0.25), frontier_options(), &pool).points,
            frontier.points);
  EXPECT_EQ(frontier.least_bits, allocator.least_bits());
  ASSERT_EQ(frontier.points.size(), 28U);  // 2.0 is below the least possible
  EXPECT_EQ(frontier.points.front().budget, 2.25);
  for (std::size_t k = 0; k < frontier.points.size(); ++k) {
    const FrontierPoint& p = frontier.points[k];
    EXPECT_LE(p.bits_per_weight, p.budget * (1 + 1e-12));
    EXPECT_LE(p.bound, p.objective);
    EXPECT_LE(p.gap, 2e-3) << p.budget;
    EXPECT_LE(p.objective, allocator.solve(p.budget).objective * (1 + p.gap + 1e-4));
    if (k > 0) {
      EXPECT_LE(p.objective, frontier.points[k - 1].objective);
    }
  }
  EXPECT_EQ(frontier.points.back().gap, 0);  // 9 bits: everything at its best
}

TEST(Frontier, AllBelowTheLeastIsRefused) {
  const ErrorTable table = reference::synthetic_table(reference::llama_matrices(1, 64, 128, 64), 5);
  const Allocator allocator(table);
  EXPECT_THROW(trace_frontier(allocator, {1.0, 1.5}), Error);
  EXPECT_TRUE(trace_frontier(allocator, {}).points.empty());
}

TEST(Frontier, Json) {
  const Frontier frontier{2.03, 8.59, {{2.5, 2.49, 10, 9, 0.1}}};
  EXPECT_EQ(
      frontier_to_json(frontier).dump(),
      R"({"least_bits":2.03,"most_bits":8.59,"frontier":[{"budget":2.5,"bits_per_weight":2.49,"objective":10.0,)"
      R"("bound":9.0,"gap":0.1}]})");
}

}  // namespace
}  // namespace lq
