// Steps of AdamW, and numbers about vectors, on a CUDA device. Tables and results are the host's; all else is
// memory of the queue's device. Builds without CUDA have the same symbols (backends/no_cuda), which throw
// kUnsupported.
#pragma once

#include <cstdint>

#include "backends/adamw_view.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// Queued; to the bits of backends/cpu.
void adamw_step(DeviceQueue& queue, const AdamWRates& rates, std::int64_t n, const float* grad, float* w,
                float* m, float* v);
void adamw_step(DeviceQueue& queue, const AdamWRates& rates, std::int64_t n, const float* grad, float* w,
                const PackedMoments& moments, const MomentTable& signed_table,
                const MomentTable& unsigned_table);

struct FloatRun {
  const float* data = nullptr;
  std::int64_t count = 0;
};
// sums[i] = sum of squares of runs[i], in double and in a fixed order; waits once for all of them. As an
// output of repeated work (repeat.h) they are there at its end.
void squared_norms(DeviceQueue& queue, const FloatRun* runs, std::int64_t count, double* sums);
// Whether no number is a NaN or an infinity. Waits.
bool all_finite(DeviceQueue& queue, std::int64_t n, const float* x);

}  // namespace lq::backends::cuda
