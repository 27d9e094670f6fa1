// How much the matrices still to come can change the error, at best, for a given room: the LP relaxation of
// the rest.
#pragma once

#include <vector>

#include "allocate/choices.h"

namespace lq {

class CompletionBound {
 public:
  // One step from the origin along a matrix's hull.
  struct Step {
    double slope;    // error per bit
    double storage;  // > 0: bits taken (up) or given back (down)
    std::size_t order;
  };

  // The rest as seen after one matrix. Rooms must be asked for in falling order.
  class Walk {
   public:
    // Least change of error, as against the origin, that may be reached with `room` more bits (given back,
    // where negative): <= 0 for room >= 0, infinite where the rest cannot give back so much.
    double error_change(double room);

   private:
    friend class CompletionBound;
    std::vector<double> up_storage_,
        up_error_;  // totals of the first n steps up, in order of error saved per bit
    std::vector<double> down_storage_, down_error_;  // and down, in order of error lost per bit
    std::size_t up_ = 0;
    std::size_t down_ = 0;
  };

  // Points: what the choices of the matrix at place `order` change, the origin (0, 0) among them. `price`:
  // the bit's price at which the origin is optimal.
  void add_matrix(std::size_t order, std::vector<Choice> points, double price);
  // REQUIRES: called once, after all matrices were added.
  void sort();
  // The matrices whose order is above `order`.
  Walk after(std::size_t order) const;

 private:
  std::vector<Step> up_;    // slope falling
  std::vector<Step> down_;  // slope rising
};

}  // namespace lq
