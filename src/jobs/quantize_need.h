// The memory of quantize: what its largest matrices take, and how many are computed side by side.
#pragma once

#include <cstdint>
#include <vector>

#include "jobs/quantize_model.h"

namespace lq {

// Matrices up to this many weights are spread over the threads whole. Of larger ones as many are computed
// side by side as threads, memory and their sizes suggest (base/lanes.h): a fifth of the work on each, the
// eigenproblem of every iteration and its file, is one thread's. The result is the same in any case.
constexpr std::int64_t kSmallMatrix = 1 << 20;

// What the largest of these takes while it is computed.
std::int64_t bytes_of_one(const QuantizeOptions& options, const std::vector<const TensorView*>& matrices);

// Large matrices that are computed side by side: together they take a third of the memory that is free.
int matrices_at_once(int threads, std::int64_t bytes_of_each);

}  // namespace lq
