// One budget's solution, pursued from the cheapest means to the dearest until the gap is closed.
#pragma once

#include <cstdint>
#include <limits>

#include "allocate/choices.h"
#include "allocate/relaxation.h"

namespace lq {

struct SolveOptions {
  double gap = 1e-4;  // stop once (objective - bound) / objective is proven to be at most this;
                      // 0: the best there is, up to rounding (1e-12)
  std::size_t max_states = 200'000;  // of the core search
  std::int64_t max_nodes =
      1000;  // of branch and cut. When all is spent, the best found is returned with its true gap
  bool core_search = true;  // the switches that follow are for comparison
  bool branch_and_cut = true;
  bool reduce = true;  // false: branch and cut over all undominated choices
};

// How a solution came about: its objective after each means.
struct SolveTrace {
  double greedy = 0;    // the relaxation's steps while they fit
  double improved = 0;  // local search
  double searched = 0;  // core search
  int columns = 0;      // choices left open for branch and cut; 0 where it was not needed
  std::int64_t nodes = 0;
};

class Pursuit {
 public:
  // REQUIRES: relaxation is of programme, and budget (bits) at least its least(). Only solutions below
  // `cutoff` are sought once a first one is there. Keeps references.
  Pursuit(const Programme& programme, const Relaxation& relaxation, double budget,
          const SolveOptions& options, double cutoff = std::numeric_limits<double>::infinity());

  void run();

  const Selection& selection() const { return selection_; }  // feasible
  double objective() const { return objective_; }
  // Proven: no solution has a smaller total error (or, with a cutoff, none below min(bound, cutoff)).
  double bound() const { return bound_; }
  const SolveTrace& trace() const { return trace_; }

 private:
  // Solutions from this error up are not told from the best known.
  double target() const;
  bool closed() const { return target() <= bound_; }
  // Takes the selection if it is better, and the bound as far as it is above ours.
  void take(const Selection* selection, double bound);
  void search_core();
  void search_folded();
  void cut();

  const Programme& programme_;
  double budget_;
  const SolveOptions& options_;
  double cutoff_;
  LagrangianSolution relaxed_;
  Selection selection_;
  double objective_ = 0;
  double bound_ = 0;
  SolveTrace trace_;
};

}  // namespace lq
