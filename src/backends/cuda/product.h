// Products and decoding of weights of any layout on a CUDA device. All pointers, those of views too, are
// memory of the queue's device; the work is queued. Builds without CUDA have the same symbols
// (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "backends/cuda/product_tile.h"
#include "backends/packed_view.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// c = alpha op(a) op(b) + beta c. REQUIRES: b is [k, n] or, with trans_b, [n, k]; c overlaps neither. The
// same bits in every run. Exact f32 products and sums: finer than any of the context's coarser precisions.
void multiply(DeviceQueue& queue, const Product& product);

// out[i] = element begin + i of w flattened row-major, for i < count: the bits of backends/cpu. REQUIRES: the
// run lies in the matrix.
void packed_decode(DeviceQueue& queue, const PackedView& w, std::int64_t begin, std::int64_t count,
                   float* out);

}  // namespace lq::backends::cuda
