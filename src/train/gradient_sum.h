// The gradient of a step: the sum over its micro-batches by the tree of dist/tree.h over their index in the
// step. One rank adds the nodes of its own micro-batches while they come, the ranks' nodes are added at the
// end: 1, 2 or 4 ranks and any number of threads give the same bits.
#pragma once

#include <cstdint>
#include <vector>

#include "dist/collective.h"
#include "dist/tree.h"
#include "tensor/context.h"
#include "tensor/tensor.h"
#include "train/gradient_arena.h"

namespace lq {

class GradientSum {
 public:
  // Both outlive it.
  GradientSum(GradientArena& arena, Collective& ranks) : arena_(arena), ranks_(ranks) {}

  // A step of so many micro-batches (at least 1): returns those that this rank computes, and clears the
  // arena.
  PartRange begin(Context& ctx, std::int64_t micro_batches);
  // The arena holds the gradient of the next of them. Afterwards it is clear for another, if one is to come.
  void add(Context& ctx);
  // The arena holds the sum over all micro-batches of all ranks. REQUIRES: add was called for each of its
  // own.
  void finish();

  // Memory beside the arena that a rank needs at most for so many micro-batches a step.
  static std::int64_t spare_bytes(std::int64_t arena_size, std::int64_t micro_batches, int ranks);

 private:
  // to += the top of the stack, which is taken off.
  void add_top(Context& ctx, Matrix to);

  GradientArena& arena_;
  Collective& ranks_;
  std::int64_t micro_batches_ = 0;
  PartRange own_;
  std::int64_t next_ = 0;        // of its own, counted from 0
  std::vector<Tensor> waiting_;  // a stack of depth_ nodes; above them lie spare buffers
  std::size_t depth_ = 0;
};

}  // namespace lq
