// Quantization of a matrix to codes of a codebook, and what is left of it, on a CUDA device. All pointers but
// the codebook's are memory of the queue's device. Builds without CUDA have the same symbols
// (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "backends/codebook_rounding.h"
#include "backends/cuda/quantize_element.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// What a search of scales counts a squared error by.
struct RoundingWeights {
  const float* rows = nullptr;  // [rows], or null: ones
  const float* cols = nullptr;  // [cols], or null: ones
};

// scales[j] = what the scale of block j comes back as, for j < ceil(rows * cols / block): the processor's
// bits. Queued. target: [rows, cols], finite; REQUIRES: not empty.
void block_scales(DeviceQueue& queue, const CodebookRounding& rounding, const RoundingWeights& weights,
                  std::int64_t rows, std::int64_t cols, const float* target, float* scales);

// out[i, j] = row_scale[i] * col_scale[j] * (w[i, j] - q[i, j]) with q = the target rounded under `scales`.
// Scales may be null: ones; out may be the target, or null for the sums alone. The sums are doubles in a
// fixed order. Waits.
ResidualSums rounded_residual(DeviceQueue& queue, const CodebookRounding& rounding, std::int64_t rows,
                              std::int64_t cols, const float* w, const float* target, const float* scales,
                              const float* row_scale, const float* col_scale, float* out);
// The same for a q that is there, or null: zero.
ResidualSums residual(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* w,
                      const float* q, const float* row_scale, const float* col_scale, float* out);
// The sum over x[i] y[i], i < n: a double, in a fixed order. Waits.
double sum_of_products(DeviceQueue& queue, std::int64_t n, const float* x, const float* y);

}  // namespace lq::backends::cuda
