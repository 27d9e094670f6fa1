// Local search: what is left of the budget after the greedy steps is filled by changing one or two matrices
// at a time.
#pragma once

#include <vector>

#include "allocate/choices.h"

namespace lq {

struct ImproveLimits {
  double good_enough = 0;  // stop once the total error is at most this
  // Only choices whose reduced cost is below this are tried; the others are in no solution worth having.
  double window = 0;
};

// Repeats the best change of one matrix's choice, or of two matrices' choices together, while the total error
// falls and the budget and all caps hold. `reduced`: LagrangianSolution::reduced. All pairs are looked at in
// O(n log n) for n choices within the window, except pairs that are feasible only together within one cap and
// with a third outside it. REQUIRES: fits(programme, selection, budget). Deterministic.
void improve(const Programme& programme, double budget, const std::vector<std::vector<double>>& reduced,
             const ImproveLimits& limits, Selection& selection);

}  // namespace lq
