// Products of a thin matrix with itself, and factors of its sides, on a CUDA device. x is memory of the
// queue's device. Builds without CUDA have the same symbols (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "backends/cuda/gram_element.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// out[i, j] = sum over t of element t of vector i times that of vector j, [k, k], of the host: doubles, added
// in a fixed order. Waits.
void gram(DeviceQueue& queue, const GramInput& input, double* out);
// x[i, j] *= by_row[i] * by_col[j]; either may be null: ones. Queued.   x: [rows, cols]
void scale_sides(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* by_row,
                 const float* by_col, float* x);

}  // namespace lq::backends::cuda
