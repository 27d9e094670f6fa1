// The exact step: what the Lagrangian bound and local search leave open is decided by branch and cut (CBC).
#pragma once

#include <cstdint>
#include <optional>

#include "allocate/choices.h"
#include "allocate/relaxation.h"

namespace lq {

struct BranchAndCutLimits {
  double target = 0;     // only solutions with a smaller total error than this are looked for
  double tolerance = 0;  // a solution this close to the proven bound is as good as the best
  std::int64_t max_nodes =
      0;               // of the search tree; a count, not a time, so that the result is always the same
  bool reduce = true;  // leave out choices that reduced costs rule out; false: for comparison
};

struct BranchAndCutResult {
  std::optional<Selection> found;  // feasible, its error below the target; none where no such solution exists
  double bound = 0;                // proven: no solution has a smaller total error
  bool finished = true;            // false: stopped at max_nodes
  int columns = 0;                 // of the programme that CBC got
  std::int64_t nodes = 0;
};

// Finds the best solution whose total error is below the target, or proves that there is none (bound =
// target). CBC is given the error above the Lagrangian bound, sum of reduced costs + price * unused storage,
// scaled to the distance that is still open: so its absolute tolerances mean the same for every table. What
// it returns is checked with our own arithmetic; a selection that only its tolerance let pass is cut off and
// the search repeated. REQUIRES: relaxed = Relaxation(programme).at(budget) and target > relaxed.bound.
// Throws Error(kInternal) if CBC fails; what require_branch_and_cut() throws.
BranchAndCutResult branch_and_cut(const Programme& programme, double budget,
                                  const LagrangianSolution& relaxed, const BranchAndCutLimits& limits);

// To be asked before long work that an allocation ends: throws Error(kUnsupported) where this machine has no
// CBC.
void require_branch_and_cut();

}  // namespace lq
