#include "allocate/memory_budget.h"

#include <cmath>

#include "base/error.h"

namespace lq {

double bits_for_memory(const MemoryPlan& plan, double weights, double least_bits) {
  for (const std::int64_t part : {plan.total, plan.dense, plan.low_rank, plan.optimizer, plan.activations}) {
    LQ_CHECK(part >= 0, kInvalidArgument, "memory of {} bytes: cannot be negative", part);
  }
  LQ_CHECK(weights > 0, kInvalidArgument, "a budget of memory for {} weights: must be above 0", weights);
  // Doubles: sums of absurd sizes must not overflow, and 2^53 bytes are exact.
  const double rest = static_cast<double>(plan.dense) + static_cast<double>(plan.low_rank) +
                      static_cast<double>(plan.optimizer) + static_cast<double>(plan.activations);
  const double bits = (static_cast<double>(plan.total) - rest) * 8 / weights;
  constexpr double kMiB = 1024.0 * 1024.0;
  LQ_CHECK(
      bits > 0 && bits >= least_bits, kInvalidArgument,
      "a memory budget of {:.1f} MiB: too small. Dense parts {:.1f}, low-rank part {:.1f}, optimizer {:.1f}, "
      "activations {:.1f} and the packed matrices at the least possible, {:.4f} bits per weight, {:.1f} take "
      "{:.1f} MiB",
      static_cast<double>(plan.total) / kMiB, static_cast<double>(plan.dense) / kMiB,
      static_cast<double>(plan.low_rank) / kMiB, static_cast<double>(plan.optimizer) / kMiB,
      static_cast<double>(plan.activations) / kMiB, least_bits, least_bits * weights / 8 / kMiB,
      std::ceil((rest + least_bits * weights / 8) / kMiB * 10) / 10);
  return bits;
}

}  // namespace lq
