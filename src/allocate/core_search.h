// Dynamic programming over the few matrices whose choice is in doubt: closes the gap that greedy steps leave.
//
// Start from the relaxation's own solution (the origin: reduced cost 0 everywhere; its storage lies near the
// budget but seldom on it) and let one matrix after another depart from it, the cheapest departures first. A
// state is the storage and the error of the departures made so far. Dropped are states that another beats on
// both, and states whose LP completion (the matrices still to come may take fractions of the steps along
// their hulls) is no better than the best known solution, which falls quickly: so few matrices are reached
// before the rest is ruled out. (Pisinger, "A minimal algorithm for the multiple-choice knapsack problem",
// 1995; Dyer, Riha and Walker, "A hybrid dynamic programming/ branch-and-bound algorithm for the
// multiple-choice knapsack problem", 1995.)
#pragma once

#include <optional>

#include "allocate/choices.h"
#include "allocate/relaxation.h"

namespace lq {

struct CoreSearchLimits {
  double target = 0;  // only solutions with a smaller total error are looked for
  double gap = 0;     // found solutions lower the target to (1 - gap) times their error
  std::size_t max_states =
      50000;  // above this the states of worst completion are dropped, and the proof with them
};

struct CoreSearchResult {
  std::optional<Selection> found;  // feasible, its error below the target
  double bound = 0;                // proven: no solution has a smaller total error
  std::size_t most_states = 0;     // held at once
};

// REQUIRES: no caps; relaxed = Relaxation(programme).at(budget); target > relaxed.bound. Deterministic.
CoreSearchResult core_search(const Programme& programme, double budget, const LagrangianSolution& relaxed,
                             const CoreSearchLimits& limits);

}  // namespace lq
