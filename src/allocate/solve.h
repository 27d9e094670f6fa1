// From an error table and a budget to an allocation, with a proof (docs/method.md, "Which bits for which
// matrix").
//
// All matrices stand in one programme. The Lagrangian relaxation bounds the error from below and, its steps
// taken while they fit and improved by local search, gives a solution. Where the two are further apart than
// the gap asked for, a dynamic programme over the choices that reduced costs leave open decides, and where
// that grows too large, branch and cut.
#pragma once

#include "allocate/allocation.h"
#include "allocate/constraints.h"
#include "allocate/error_table.h"
#include "allocate/pursuit.h"
#include "allocate/relaxation.h"

namespace lq {

// One table and constraints, any number of budgets. Thread-safe after construction. The result depends on the
// table, the constraints and the options alone.
class Allocator {
 public:
  // Keeps a reference to `table`. Throws Error(kCorruptFile) for a bad table, Error(kInvalidArgument) for
  // constraints that cannot be met.
  explicit Allocator(const ErrorTable& table, const Constraints& constraints = {});
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // budget: bits per weight on average over all weights of the table. Above most_bits() every matrix gets its
  // best. Throws Error(kInvalidArgument) saying the least possible if the budget is below least_bits().
  Allocation solve(double budget, const SolveOptions& options = {}, SolveTrace* trace = nullptr) const;

  double least_bits() const { return relaxation_.least() / weights_; }  // bits per weight
  double most_bits() const { return relaxation_.most() / weights_; }
  double weights() const { return weights_; }  // in all matrices

 private:
  void check_budget(double budget) const;
  Allocation describe(const Selection& selection, double bound) const;

  const ErrorTable* table_;
  Programme programme_;
  Relaxation relaxation_;
  double weights_ = 0;
};

// The same for one budget.
Allocation allocate(const ErrorTable& table, double budget, const Constraints& constraints = {},
                    const SolveOptions& options = {});

}  // namespace lq
