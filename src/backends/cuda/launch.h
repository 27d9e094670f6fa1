// How kernels over independent elements are launched. Internal to backends/cuda, for .cu files only.
#pragma once

#include <cstdint>

#include "backends/cuda/host_device.h"
#include "backends/cuda/queue.h"

namespace lq::backends::cuda {

inline constexpr int kEachThreads = 256;

// Blocks of `each` units that cover `count`, at most as many as the kernels' loops over a grid want.
inline unsigned grid_of(std::int64_t count, std::int64_t each) {
  constexpr std::int64_t kMost = 1 << 16;
  const std::int64_t wanted = (count + each - 1) / each;
  return static_cast<unsigned>(wanted < kMost ? wanted : kMost);
}

template <typename Each>
__global__ void __launch_bounds__(kEachThreads) run_each(std::int64_t count, Each each) {
  const std::int64_t stride = std::int64_t{gridDim.x} * kEachThreads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kEachThreads + threadIdx.x; i < count; i += stride)
    each(i);
}

// each(i) for 0 <= i < count, a thread each. `what` names the op where the launch fails.
template <typename Each>
void for_each(DeviceQueue& queue, const char* what, std::int64_t count, const Each& each) {
  if (count == 0) return;
  run_each<<<grid_of(count, kEachThreads), kEachThreads, 0, use(queue)>>>(count, each);
  check(cudaGetLastError(), what);
}

// The sum over the warp's lanes, in every lane: pairs of lanes, then pairs of pairs.
__device__ inline float warp_sum(float v) {
  for (int offset = kLanes / 2; offset > 0; offset /= 2) v += __shfl_xor_sync(0xffffffffU, v, offset);
  return v;
}

}  // namespace lq::backends::cuda
