#include "allocate/frontier.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq {

std::vector<double> budget_range(double first, double last, double step) {
  LQ_CHECK(first > 0 && first <= last && step > 0 && std::isfinite(last), kInvalidArgument,
           "budgets from {} to {} by {}: must rise from above 0", first, last, step);
  const double count = std::floor((last - first) / step * (1 + 1e-12) + 1e-9) + 1;
  LQ_CHECK(count <= 100'000, kInvalidArgument,
           "budgets from {} to {} by {}: {} of them, but at most 100000 are solved", first, last, step,
           count);
  std::vector<double> budgets;
  for (int k = 0; k < static_cast<int>(count); ++k) {
    // To 12 places, so that 2.2 + 11 * 0.05 is 2.75 and not 2.7500000000000004.
    budgets.push_back(std::round((first + k * step) * 1e12) / 1e12);
  }
  return budgets;
}

SolveOptions frontier_options() { return {.max_states = 20'000, .branch_and_cut = false}; }

Frontier trace_frontier(const Allocator& allocator, std::vector<double> budgets, const SolveOptions& options,
                        ThreadPool* pool) {
  Frontier frontier{allocator.least_bits(), allocator.most_bits(), {}};
  std::sort(budgets.begin(), budgets.end());
  // The largest stays in any case: solving it says what the least possible is.
  std::erase_if(budgets, [&](double b) { return b < frontier.least_bits && b != budgets.back(); });
  frontier.points.resize(budgets.size());
  const auto solve = [&](std::int64_t k) {
    const double budget = budgets[static_cast<std::size_t>(k)];
    const Allocation best = allocator.solve(budget, options);
    frontier.points[static_cast<std::size_t>(k)] = {budget, best.bits_per_weight, best.objective, best.bound,
                                                    best.gap};
  };
  const auto count = static_cast<std::int64_t>(budgets.size());
  if (pool != nullptr) {
    pool->run(count, solve);
  } else {
    for (std::int64_t k = 0; k < count; ++k) solve(k);
  }
  // Within its gap a larger budget may have ended higher than a smaller one; the smaller one's solution fits
  // too.
  for (std::size_t k = 1; k < frontier.points.size(); ++k) {
    const FrontierPoint& before = frontier.points[k - 1];
    FrontierPoint& point = frontier.points[k];
    if (before.objective >= point.objective) continue;
    point.bits_per_weight = before.bits_per_weight;
    point.objective = before.objective;
    point.bound = std::min(point.bound, point.objective);
    point.gap = point.objective > 0 ? (point.objective - point.bound) / point.objective : 0;
  }
  return frontier;
}

nlohmann::ordered_json frontier_to_json(const Frontier& frontier) {
  nlohmann::ordered_json points = nlohmann::ordered_json::array();
  for (const FrontierPoint& p : frontier.points) {
    points.push_back({{"budget", p.budget},
                      {"bits_per_weight", p.bits_per_weight},
                      {"objective", p.objective},
                      {"bound", p.bound},
                      {"gap", p.gap}});
  }
  return {{"least_bits", frontier.least_bits},
          {"most_bits", frontier.most_bits},
          {"frontier", std::move(points)}};
}

}  // namespace lq
