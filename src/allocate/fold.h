// Caps, taken out of the programme: the matrices under a cap become one matrix, whose choices are their
// combinations.
#pragma once

#include <cstdint>
#include <vector>

#include "allocate/choices.h"
#include "allocate/relaxation.h"

namespace lq {

class Folded {
 public:
  // `relaxed`: of `programme` at the budget. Only combinations whose reduced cost (the unused part of the cap
  // at its price counted in) is below `window` are listed, dominated ones dropped, and of each cap's at most
  // max_states, those of least reduced cost. Keeps a reference to `programme`.
  Folded(const Programme& programme, const LagrangianSolution& relaxed, double window,
         std::size_t max_states);

  // Without caps: the matrices under none, then one for each cap. Empty where some cap has no combination
  // within the window.
  const Programme& programme() const { return folded_; }
  // Every solution whose error is below relaxed.bound + window is listed. false: some were dropped for their
  // number.
  bool complete() const { return complete_; }
  // The selection of the original programme that a selection of the folded one stands for.
  Selection expand(const Selection& selection) const;

 private:
  // A combination of a cap's first n members: one of its first n - 1, and a choice of the n-th.
  struct Step {
    std::int32_t before;
    std::int32_t choice;
  };
  using Level = std::vector<Step>;

  bool fold_cap(std::size_t cap, const LagrangianSolution& relaxed, double window, std::size_t max_states);

  const Programme* original_;
  Programme folded_;
  std::vector<int> free_;  // matrices under no cap, in order
  std::vector<std::vector<Level>>
      levels_;  // [cap][member]; a folded choice's column is a place in the last level
  bool complete_ = true;
};

}  // namespace lq
