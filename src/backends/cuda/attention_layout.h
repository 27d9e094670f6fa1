// Kernels between our operands of attention and cuDNN's. Internal to backends/cuda.
#pragma once

#include "backends/cuda/attention_layout_element.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// rows: of all segments of p. Rows of no segment stay as they are.
void widen_rows(DeviceQueue& queue, const PackedRows& p, std::int64_t rows, std::int64_t width,
                const std::uint16_t* from, float* to);
void make_stats(DeviceQueue& queue, const PackedRows& p, std::int64_t rows, std::int64_t tokens,
                std::int64_t first, std::int64_t heads, const float* lse, float* stats);
void make_lse(DeviceQueue& queue, const PackedRows& p, std::int64_t rows, std::int64_t tokens,
              std::int64_t heads, const float* stats, float* lse);

}  // namespace lq::backends::cuda
