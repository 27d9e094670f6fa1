// Several projections of one input (queries, keys and values; gate and up): a linear layer each, or one layer
// whose outputs lie side by side, as a checkpoint stores them.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "nn/linear.h"

namespace lq {

class Projections {
 public:
  // A layer each.
  template <typename... More>
  static Projections apart(Linear first, More... more) {
    Projections p;
    p.linears_.push_back(std::move(first));
    (p.linears_.push_back(std::move(more)), ...);
    return p;
  }
  // One layer: widths[i] outputs of each, in their order. REQUIRES: they sum to linear.out().
  static Projections fused(Linear linear, std::vector<std::int64_t> widths);

  // In the order of the outputs; one where they are fused.
  std::vector<Linear>& linears() { return linears_; }
  const std::vector<Linear>& linears() const { return linears_; }
  bool is_fused() const { return !widths_.empty(); }
  std::int64_t count() const { return is_fused() ? std::ssize(widths_) : std::ssize(linears_); }
  std::int64_t in() const { return linears_.front().in(); }
  // Outputs of projection i.
  std::int64_t out(std::int64_t i) const;

  // x: [n, in]; y[i]: [n, out(i)], apart.
  void forward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const Matrix> y,
               Tokens tokens = {}) const;
  // dx = (null data: not wanted). Gradients of what learns += . x as in forward.
  void backward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const Matrix> dy, Matrix dx,
                Tokens tokens = {});

 private:
  std::vector<Linear> linears_;
  std::vector<std::int64_t> widths_;  // empty: a layer each
};

}  // namespace lq
