// What translated kernels (cuda_on_cpu/translate.py) are written in: CUDA's words for C++, with every thread
// of a block as a fiber, so that barriers, shuffles and the tensor cores' product mean what they mean on a
// card.
#pragma once

#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>

#define __global__
#define __host__
#define __device__
#define __forceinline__ inline
#define __shared__ static  // blocks run one after the other
#define __launch_bounds__(...)
#define __grid_constant__

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

extern LQ_ON_CPU uint3 threadIdx;
extern LQ_ON_CPU uint3 blockIdx;
extern LQ_ON_CPU dim3 blockDim;
extern LQ_ON_CPU dim3 gridDim;

namespace cuda_on_cpu {

// Waits for all threads of the block, or of the warp, that have not ended.
LQ_ON_CPU void block_barrier();
LQ_ON_CPU void warp_barrier();
// A place where the calling thread leaves something for its warp, another at every second call; and that of
// another lane. Ends the program where that lane has ended.
inline constexpr int kSlotBytes = 64;
LQ_ON_CPU void* own_slot();
LQ_ON_CPU const void* slot_of(int lane);
LQ_ON_CPU int lane();

// d += a b of the warp by the layouts of PTX's mma.m16n8k16 with f16 operands and f32 sums.
LQ_ON_CPU void mma_m16n8k16(float* const d[4], const std::uint32_t a[4], const std::uint32_t b[2]);

struct Config {
  dim3 grid, block;
  cudaStream_t stream;
  Config(dim3 g, dim3 b, std::size_t /*shared*/ = 0, cudaStream_t s = nullptr)
      : grid(g), block(b), stream(s) {}
};
// thread(data) by every thread of every block; where the stream is captured, later and with copy(data).
LQ_ON_CPU void launch(const Config& config, void (*thread)(void*), void* data,
                      std::shared_ptr<void> (*copy)(const void*));

template <typename Kernel>
struct Bound {
  Config config;
  Kernel kernel;
  template <typename... Args>
  void operator()(const Args&... args) const {
    auto body = [kernel = kernel, ... args = args] { kernel(args...); };
    launch(
        config, [](void* data) { (*static_cast<decltype(body)*>(data))(); }, &body,
        [](const void* data) -> std::shared_ptr<void> {
          return std::make_shared<decltype(body)>(*static_cast<const decltype(body)*>(data));
        });
  }
};
template <typename Kernel>
Bound<Kernel> bind(const Config& config, Kernel kernel) {
  return {config, kernel};
}

}  // namespace cuda_on_cpu

inline void __syncthreads() { cuda_on_cpu::block_barrier(); }
inline void __syncwarp(unsigned = 0xffffffffU) { cuda_on_cpu::warp_barrier(); }

template <typename T>
T __ldg(const T* p) {
  return *p;
}

template <typename T>
T __shfl_xor_sync(unsigned, T value, int offset) {
  static_assert(sizeof(T) <= cuda_on_cpu::kSlotBytes);
  std::memcpy(cuda_on_cpu::own_slot(), &value, sizeof value);
  cuda_on_cpu::warp_barrier();
  T other;
  std::memcpy(&other, cuda_on_cpu::slot_of(cuda_on_cpu::lane() ^ offset), sizeof other);
  return other;
}
template <typename T>
T __shfl_sync(unsigned, T value, int lane) {
  std::memcpy(cuda_on_cpu::own_slot(), &value, sizeof value);
  cuda_on_cpu::warp_barrier();
  T other;
  std::memcpy(&other, cuda_on_cpu::slot_of(lane), sizeof other);
  return other;
}
