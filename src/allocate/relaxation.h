// The Lagrangian relaxation of the allocation programme: every budget at once (docs/method.md, "Which bits
// for which matrix").
//
// With a price on each bit, every matrix decides alone: it takes the choice of least error + price * storage,
// a corner of its lower convex hull. Raising the budget moves along the hulls' steps, all matrices' steps
// sorted by the error they save per bit; so one sorted list holds the solution for all budgets. A cap is a
// list of its own matrices' steps that ends, perhaps within a step, where the cap is full. (The LP relaxation
// of the multiple-choice knapsack problem; Sinha and Zoltners 1979, Zemel 1980.)
#pragma once

#include <vector>

#include "allocate/choices.h"

namespace lq {

// What the relaxation knows at one budget.
struct LagrangianSolution {
  double price = 0;            // of one bit of the budget, in units of error; >= 0
  std::vector<double> prices;  // of one bit for each matrix: price + that of its cap
  double bound = 0;            // no solution has a smaller total error
  // For each matrix and choice the reduced cost: by how much the bound rises if the choice is forced. >= 0,
  // and 0 for at least one choice of each matrix. A choice with bound + reduced >= U is in no solution better
  // than U.
  std::vector<std::vector<double>> reduced;
  Selection greedy;  // feasible: steps taken in order of error saved per bit, while they fit
};

class Relaxation {
 public:
  // Keeps a reference to `programme`. REQUIRES: each cap can be met (check_caps).
  explicit Relaxation(const Programme& programme);

  // REQUIRES: budget >= least() up to rounding. Thread-safe.
  LagrangianSolution at(double budget) const;

  double least() const { return least_; }  // bits: every matrix at its smallest choice
  double most() const { return most_; }    // bits: beyond this budget nothing gets better (without caps)

 private:
  // One step along a matrix's hull. Within a cap the last step may be cut short.
  struct Step {
    double slope;    // error saved per bit
    double storage;  // bits it costs, as far as its cap allows
    int matrix;
    int to;  // position in Programme::matrices[matrix]
  };

  double price_at(double budget) const;
  Selection greedy_at(double budget) const;

  const Programme* programme_;
  std::vector<Step> steps_;         // slope falling; a matrix's own steps in order
  std::vector<double> cumulative_;  // least_ + storage of steps 0..k
  std::vector<double> cap_prices_;  // the slope at which each cap is full; 0 where it never is
  double least_ = 0;
  double most_ = 0;
};

}  // namespace lq
