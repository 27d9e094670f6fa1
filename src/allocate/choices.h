// The ways to store one matrix, and which of them can ever be worth taking (docs/method.md, "Which bits for
// which matrix").
#pragma once

#include <span>
#include <string>
#include <vector>

namespace lq {

// One way to store one matrix.
struct Choice {
  double storage = 0;  // bits of the whole matrix, not per weight
  double error = 0;    // squared, in the table's norm; >= 0
  int column = 0;      // which choice of the error table
};

// The choices that no other beats or equals on both storage and error, storage strictly rising and error
// strictly falling. Of equals the one with the lowest column stays, so the result does not depend on the
// order given.
std::vector<Choice> drop_dominated(std::vector<Choice> choices);

// Positions (into `efficient`) of the corners of the lower convex hull of (storage, error): from the least
// storage to the least error, the error saved per bit strictly falling from step to step. Only these choices
// solve the Lagrangian relaxation, at any price of a bit. REQUIRES: efficient as drop_dominated returns it.
std::vector<int> lower_hull(std::span<const Choice> efficient);

// A cap: some matrices together may take at most `storage` bits. Caps share no matrix.
struct Cap {
  std::string name;  // as the user wrote it, for messages
  double storage = 0;
  std::vector<int> members;
};

// minimise sum of errors, one choice for each matrix, subject to a budget of storage (given when solving) and
// caps.
struct Programme {
  std::vector<std::vector<Choice>> matrices;  // each as drop_dominated returns it, never empty
  std::vector<Cap> caps;
  std::vector<int> cap_of;  // for each matrix its cap, or -1
};

// A solution: for each matrix a position in Programme::matrices[i].
using Selection = std::vector<int>;

double total_error(const Programme& programme, const Selection& selection);
// Bits; the sum is compensated, good to 2 ulp, so that a budget met exactly is seen to be met.
double total_storage(const Programme& programme, const Selection& selection);
double cap_storage(const Programme& programme, const Selection& selection, const Cap& cap);

// `limit` with room for the rounding of products like 4.127 * weights and of their sum (8 ulp); storage bits
// are compared with this.
double with_rounding(double limit);

// Bits that may be added to `storage` before `limit` is reached, with half of with_rounding's tolerance: what
// stays within this room fits() after the sum is taken anew.
double room_in(double limit, double storage);

// Whether the budget and every cap hold.
bool fits(const Programme& programme, const Selection& selection, double budget);

}  // namespace lq
