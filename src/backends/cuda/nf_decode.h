// NormalFloat dequantization on a CUDA device: the bits of quant/codebook/codebook_reference.h. Builds
// without CUDA have the same symbols (backends/no_cuda), which throw kUnsupported.
#pragma once

#include "backends/nf_view.h"

namespace lq {
struct DeviceQueue;
}

namespace lq::backends::cuda {

// out[rows * cols] f32 = the matrix. All pointers of the view, its codebook too, and out are memory of the
// queue's device; the work is queued. Throws kUnsupported without CUDA, kInternal where the launch fails.
// REQUIRES: rows * cols >= 1.
void nf_dequantize(DeviceQueue& queue, const NfView& view, float* out);

}  // namespace lq::backends::cuda
