// The best total error for every budget (docs/method.md, "Which bits for which matrix").
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "allocate/solve.h"
#include "base/parallel.h"

namespace lq {

struct FrontierPoint {
  double budget = 0;           // bits per weight, as asked
  double bits_per_weight = 0;  // achieved; <= budget
  double objective = 0;        // never above that of a smaller budget
  double bound = 0;            // proven
  double gap = 0;
  bool operator==(const FrontierPoint&) const = default;
};

struct Frontier {
  double least_bits = 0;              // the least possible; budgets below it have no point
  double most_bits = 0;               // from here on nothing gets better
  std::vector<FrontierPoint> points;  // budget rising
};

// first, first + step, ... up to last (met to within rounding); 2.2 to 8.2 by 0.05: the range of the paper's
// configurations. Throws Error(kInvalidArgument) unless 0 < first <= last, step > 0 and there are at most
// 100,000.
std::vector<double> budget_range(double first = 2.2, double last = 8.2, double step = 0.05);

// What trace_frontier takes by default: a search of the core that stays below a second, and no branch and
// cut. Above 7 bits, where one matrix's step is a large part of what error is left, gaps may then stay above
// 1e-4; each point tells its own.
SolveOptions frontier_options();

// Solves each budget, several at a time where there is a pool; the result is the same. Throws
// Error(kInvalidArgument) if all of them are below the least possible.
Frontier trace_frontier(const Allocator& allocator, std::vector<double> budgets,
                        const SolveOptions& options = frontier_options(), ThreadPool* pool = nullptr);

// {"least_bits":, "most_bits":, "frontier": [{"budget":, "bits_per_weight":, "objective":, "bound":, "gap":},
// ...]}
nlohmann::ordered_json frontier_to_json(const Frontier& frontier);

}  // namespace lq
