// From a budget of memory for the whole model to a budget of bits per weight (`--memory`).
#pragma once

#include <cstdint>

namespace lq {

// What must lie in memory beside the packed matrices, in bytes. Leave out (0) what does not count: a model on
// disk has no optimizer and no activations.
struct MemoryPlan {
  std::int64_t total = 0;        // the budget, for everything
  std::int64_t dense = 0;        // embeddings, norms, head, and the packed matrices' fixed parts (offsets)
  std::int64_t low_rank = 0;     // A and B; 0 with rank auto, whose bits the table counts
  std::int64_t optimizer = 0;    // gradients and moments of A and B
  std::int64_t activations = 0;  // and other working memory
};

// Bits per weight that are left for `weights` packed weights. Throws Error(kInvalidArgument), naming every
// part, if nothing is left, or less than `least_bits` per weight (Allocator::least_bits): then it says the
// total that would do.
double bits_for_memory(const MemoryPlan& plan, double weights, double least_bits);

}  // namespace lq
