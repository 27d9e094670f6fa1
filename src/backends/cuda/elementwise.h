// Elementwise ops on a CUDA device. All pointers are memory of the queue's device; the work is queued. Builds
// without CUDA have the same symbols (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "backends/activation.h"
#include "backends/dropout_mask.h"
#include "backends/gate_clamp.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// out = silu(gate) * up. out may be gate or up.
void silu_mul_forward(DeviceQueue& queue, std::int64_t n, const float* gate, const float* up, float* out);
// dgate = , dup = . dgate may be gate and dup may be up; neither may be dout.
void silu_mul_backward(DeviceQueue& queue, std::int64_t n, const float* gate, const float* up,
                       const float* dout, float* dgate, float* dup);

// y = act(x); dx = dy * act'(x). In place, as ops/activation.h allows.
void activation_forward(DeviceQueue& queue, Activation activation, std::int64_t n, const float* x, float* y);
void activation_backward(DeviceQueue& queue, Activation activation, std::int64_t n, const float* x,
                         const float* dy, float* dx);
// out = act(gate) * up; dgate = , dup = .
void gate_forward(DeviceQueue& queue, Activation activation, std::int64_t n, const float* gate,
                  const float* up, float* out);
void gate_backward(DeviceQueue& queue, Activation activation, std::int64_t n, const float* gate,
                   const float* up, const float* dout, float* dgate, float* dup);
// ops/clamped_gate.h's gate.
void clamped_gate_forward(DeviceQueue& queue, GateClamp clamp, std::int64_t n, const float* gate,
                          const float* up, float* out);
void clamped_gate_backward(DeviceQueue& queue, GateClamp clamp, std::int64_t n, const float* gate,
                           const float* up, const float* dout, float* dgate, float* dup);
// x = cap tanh(x / cap); dx by what came out of it.
void soft_cap_forward(DeviceQueue& queue, float cap, std::int64_t n, float* x);
void soft_cap_backward(DeviceQueue& queue, float cap, std::int64_t n, const float* capped, float* dx);
// part = , or whole[:, begin ..] = .   part: [rows, cols]; whole: [rows, width].
void take_columns(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, std::int64_t width,
                  std::int64_t begin, const float* whole, float* part);
void put_columns(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, std::int64_t width,
                 std::int64_t begin, const float* part, float* whole);

// x = value.
void fill(DeviceQueue& queue, std::int64_t n, float value, float* x);
// x *= factor.
void scale(DeviceQueue& queue, std::int64_t n, float factor, float* x);
// y += x.
void add(DeviceQueue& queue, std::int64_t n, const float* x, float* y);
// y[i, j] += bias[j].   y: [rows, cols].
void add_bias(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* bias, float* y);
// sums[j] += sum over i of x[i, j]. The same bits in every run.
void add_column_sums(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* x, float* sums);
// y = mask * x, with the mask that every device has. y may be x.
void dropout(DeviceQueue& queue, const DropoutMask& mask, std::int64_t n, const float* x, float* y);
// The same by the mask of one of `all` draws, which the host has.
void dropout(DeviceQueue& queue, const DropoutMask& all, const std::uint64_t& draw, std::int64_t n,
             const float* x, float* y);

}  // namespace lq::backends::cuda
