#include "backends/cuda/elementwise.h"

#include "backends/cuda/elementwise_element.h"
#include "backends/cuda/queue.h"

namespace lq::backends::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 1 << 16;

unsigned blocks(std::int64_t n) {
  const std::int64_t wanted = (n + kThreads - 1) / kThreads;
  return static_cast<unsigned>(wanted < kMaxBlocks ? wanted : kMaxBlocks);
}

__global__ void __launch_bounds__(kThreads)
    silu_forward(std::int64_t n, const float* gate, const float* up, float* out) {
  const std::int64_t stride = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += stride) {
    out[i] = silu_mul(gate[i], up[i]);
  }
}

__global__ void __launch_bounds__(kThreads) silu_backward(std::int64_t n, const float* gate, const float* up,
                                                          const float* dout, float* dgate, float* dup) {
  const std::int64_t stride = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += stride) {
    const SiluMulGradient g = silu_mul_gradient(gate[i], up[i], dout[i]);
    dgate[i] = g.gate;
    dup[i] = g.up;
  }
}

}  // namespace

void silu_mul_forward(DeviceQueue& queue, std::int64_t n, const float* gate, const float* up, float* out) {
  if (n == 0) return;
  silu_forward<<<blocks(n), kThreads, 0, use(queue)>>>(n, gate, up, out);
  check(cudaGetLastError(), "silu_mul_forward");
}

void silu_mul_backward(DeviceQueue& queue, std::int64_t n, const float* gate, const float* up,
                       const float* dout, float* dgate, float* dup) {
  if (n == 0) return;
  silu_backward<<<blocks(n), kThreads, 0, use(queue)>>>(n, gate, up, dout, dgate, dup);
  check(cudaGetLastError(), "silu_mul_backward");
}

}  // namespace lq::backends::cuda
