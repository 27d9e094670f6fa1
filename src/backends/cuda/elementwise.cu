#include "backends/cuda/elementwise.h"

#include "backends/cuda/elementwise_element.h"
#include "backends/cuda/launch.h"

namespace lq::backends::cuda {
namespace {

__global__ void __launch_bounds__(kLanes* kColumnShares)
    column_sums(std::int64_t rows, std::int64_t cols, const float* x, float* sums) {
  __shared__ float shares[kColumnShares][kLanes];
  const std::int64_t col = std::int64_t{blockIdx.x} * kLanes + threadIdx.x;
  if (col < cols) {
    shares[threadIdx.y][threadIdx.x] = column_share(rows, cols, x, col, static_cast<int>(threadIdx.y));
  }
  __syncthreads();
  if (col < cols && threadIdx.y == 0) add_column_shares(&shares[0][threadIdx.x], kLanes, col, sums);
}

}  // namespace

cudaError_t kernels_status() {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(column_sums));
}

void silu_mul_forward(DeviceQueue& queue, std::int64_t n, const float* gate, const float* up, float* out) {
  for_each(queue, "silu_mul_forward", n, SiluMulForward{gate, up, out});
}

void silu_mul_backward(DeviceQueue& queue, std::int64_t n, const float* gate, const float* up,
                       const float* dout, float* dgate, float* dup) {
  for_each(queue, "silu_mul_backward", n, SiluMulBackward{gate, up, dout, dgate, dup});
}

void activation_forward(DeviceQueue& queue, Activation activation, std::int64_t n, const float* x, float* y) {
  for_each(queue, "activation_forward", n, ActivationForward{activation, x, y});
}

void activation_backward(DeviceQueue& queue, Activation activation, std::int64_t n, const float* x,
                         const float* dy, float* dx) {
  for_each(queue, "activation_backward", n, ActivationBackward{activation, x, dy, dx});
}

void gate_forward(DeviceQueue& queue, Activation activation, std::int64_t n, const float* gate,
                  const float* up, float* out) {
  for_each(queue, "gate_forward", n, GateForward{activation, gate, up, out});
}

void gate_backward(DeviceQueue& queue, Activation activation, std::int64_t n, const float* gate,
                   const float* up, const float* dout, float* dgate, float* dup) {
  for_each(queue, "gate_backward", n, GateBackward{activation, gate, up, dout, dgate, dup});
}

void clamped_gate_forward(DeviceQueue& queue, GateClamp clamp, std::int64_t n, const float* gate,
                          const float* up, float* out) {
  for_each(queue, "clamped_gate_forward", n, ClampedGateForward{clamp, gate, up, out});
}

void clamped_gate_backward(DeviceQueue& queue, GateClamp clamp, std::int64_t n, const float* gate,
                           const float* up, const float* dout, float* dgate, float* dup) {
  for_each(queue, "clamped_gate_backward", n, ClampedGateBackward{clamp, gate, up, dout, dgate, dup});
}

void soft_cap_forward(DeviceQueue& queue, float cap, std::int64_t n, float* x) {
  for_each(queue, "soft_cap_forward", n, SoftCapForward{cap, x});
}

void soft_cap_backward(DeviceQueue& queue, float cap, std::int64_t n, const float* capped, float* dx) {
  for_each(queue, "soft_cap_backward", n, SoftCapBackward{cap, capped, dx});
}

void take_columns(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, std::int64_t width,
                  std::int64_t begin, const float* whole, float* part) {
  for_each(queue, "take_columns", rows * cols, TakeColumns{cols, width, begin, whole, part});
}

void put_columns(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, std::int64_t width,
                 std::int64_t begin, const float* part, float* whole) {
  for_each(queue, "put_columns", rows * cols, PutColumns{cols, width, begin, part, whole});
}

void fill(DeviceQueue& queue, std::int64_t n, float value, float* x) {
  for_each(queue, "fill", n, Fill{value, x});
}

void scale(DeviceQueue& queue, std::int64_t n, float factor, float* x) {
  for_each(queue, "scale", n, Scale{factor, x});
}

void add(DeviceQueue& queue, std::int64_t n, const float* x, float* y) {
  for_each(queue, "add", n, Add{x, y});
}

void add_bias(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* bias, float* y) {
  for_each(queue, "bias_forward", rows * cols, AddBias{cols, bias, y});
}

void add_column_sums(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* x, float* sums) {
  if (rows == 0 || cols == 0) return;
  const auto grid = static_cast<unsigned>((cols + kLanes - 1) / kLanes);
  column_sums<<<grid, dim3(kLanes, kColumnShares), 0, use(queue)>>>(rows, cols, x, sums);
  check(cudaGetLastError(), "bias_backward");
}

void dropout(DeviceQueue& queue, const DropoutMask& mask, std::int64_t n, const float* x, float* y) {
  for_each(queue, "dropout", (n + Dropout::kRun - 1) / Dropout::kRun, Dropout{mask, n, x, y});
}

void dropout(DeviceQueue& queue, const DropoutMask& all, const std::uint64_t& draw, std::int64_t n,
             const float* x, float* y) {
  const void* const placed = staged(queue, &draw, sizeof draw);
  if (placed == nullptr) return dropout(queue, drawn_mask(all, draw), n, x, y);
  for_each(queue, "dropout", (n + Dropout::kRun - 1) / Dropout::kRun,
           Dropout{all, n, x, y, static_cast<const std::uint64_t*>(placed)});
}

}  // namespace lq::backends::cuda
