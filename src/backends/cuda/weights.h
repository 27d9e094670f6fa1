// Weights of any layout as the large products take them. Internal to backends/cuda.
#pragma once

#include <cstdint>

#include "backends/packed_view.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// Below this many products of numbers a call of cuBLAS costs more than it gains.
inline constexpr std::int64_t kSmallProduct = 1 << 15;

// How often memory of any device was given back: after that an address may be another weight's.
std::uint64_t release_count();

// out = x in bf16, rounded to nearest even.
void narrow(DeviceQueue& queue, std::int64_t n, const float* x, std::uint16_t* out);
// out = all of w in bf16: the f32 that packed_decode gives, rounded to nearest even. stride: elements from
// row to row of out.
void decode_bf16(DeviceQueue& queue, const PackedView& w, std::uint16_t* out, std::int64_t stride);

// Where the codes of a packed weight begin, which never change; null for others.
const void* codes_of(const PackedView& w);

// All of w in bf16, decoded where it has to be. Valid until the next call that decodes.
const std::uint16_t* weight_bf16(DeviceQueue& queue, const PackedView& w);
// The same in f32.
const float* weight_f32(DeviceQueue& queue, const PackedView& w);

}  // namespace lq::backends::cuda
