#include "allocate/pursuit.h"

#include <algorithm>

#include "allocate/core_search.h"
#include "allocate/fold.h"
#include "allocate/improve.h"
#include "allocate/integer_programme.h"

namespace lq {
namespace {

// A gap below the rounding of the sums cannot be proven; and the proof should still stand after rounding.
constexpr double kSmallestGap = 1e-12;
double usable_gap(double gap) { return std::max(kSmallestGap, gap * (1 - 1e-9)); }

}  // namespace

Pursuit::Pursuit(const Programme& programme, const Relaxation& relaxation, double budget,
                 const SolveOptions& options, double cutoff)
    : programme_(programme),
      budget_(budget),
      options_(options),
      cutoff_(cutoff),
      relaxed_(relaxation.at(budget)) {
  selection_ = relaxed_.greedy;
  objective_ = total_error(programme_, selection_);
  bound_ = std::min(relaxed_.bound, objective_);
  trace_ = {objective_, objective_, objective_, 0, 0};
}

double Pursuit::target() const { return std::min(cutoff_, objective_ * (1 - usable_gap(options_.gap))); }

void Pursuit::take(const Selection* selection, double bound) {
  if (selection != nullptr && fits(programme_, *selection, budget_)) {
    if (const double error = total_error(programme_, *selection); error < objective_) {
      selection_ = *selection;
      objective_ = error;
    }
  }
  bound_ = std::clamp(bound, std::min(bound_, objective_), objective_);
}

void Pursuit::run() {
  if (closed()) return;
  Selection improved = selection_;
  improve(programme_, budget_, relaxed_.reduced,
          {.good_enough = bound_ / (1 - usable_gap(options_.gap)), .window = objective_ - bound_}, improved);
  take(&improved, bound_);
  trace_.improved = objective_;
  if (options_.core_search && programme_.caps.empty()) search_core();
  if (options_.core_search && !programme_.caps.empty()) search_folded();
  trace_.searched = objective_;
  if (options_.branch_and_cut && !closed()) cut();
}

// A narrow search first: the better the solution known, the fewer choices are left for the next.
void Pursuit::search_core() {
  for (const std::size_t divisor : {100, 10, 1}) {
    if (closed()) return;
    const CoreSearchResult result =
        core_search(programme_, budget_, relaxed_,
                    {.target = target(),
                     .gap = usable_gap(options_.gap),
                     .max_states = std::max<std::size_t>(1, options_.max_states / divisor)});
    take(result.found ? &*result.found : nullptr, result.bound);
  }
}

void Pursuit::search_folded() {
  SolveOptions inner = options_;
  inner.branch_and_cut = false;
  for (const std::size_t divisor : {100, 10, 1}) {
    if (closed()) return;
    const double sought = target();
    inner.max_states = std::max<std::size_t>(1, options_.max_states / divisor);
    // Combinations are choices of one matrix to the search that follows: a tenth of its states.
    const Folded folded(programme_, relaxed_, sought - relaxed_.bound,
                        std::max<std::size_t>(1, inner.max_states / 10));
    const double proven = folded.complete() ? sought : relaxed_.bound;
    if (folded.programme().matrices.empty()) {
      take(nullptr, proven);
      continue;
    }
    const Relaxation relaxation(folded.programme());
    if (relaxation.least() > with_rounding(budget_)) {
      take(nullptr, proven);
      continue;
    }
    Pursuit pursuit(folded.programme(), relaxation, budget_, inner, sought);
    pursuit.run();
    const Selection found = folded.expand(pursuit.selection());
    take(&found, std::min(proven, pursuit.bound()));
  }
}

void Pursuit::cut() {
  const BranchAndCutResult result = branch_and_cut(programme_, budget_, relaxed_,
                                                   {.target = target(),
                                                    .tolerance = usable_gap(options_.gap) * bound_,
                                                    .max_nodes = options_.max_nodes,
                                                    .reduce = options_.reduce});
  trace_.columns = result.columns;
  trace_.nodes = result.nodes;
  take(result.found ? &*result.found : nullptr, result.bound);
}

}  // namespace lq
