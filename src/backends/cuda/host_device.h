// What a CUDA thread computes is written as plain inline functions, so that tests run it on the processor,
// thread by thread, against references. All of it is compiled without fused multiply-add: one IEEE rounding
// for each operation, as on the processor.
#pragma once

#ifdef __CUDACC__
#define LQ_HOST_DEVICE __host__ __device__
#else
#define LQ_HOST_DEVICE
#endif

namespace lq::backends::cuda {

// Threads that share a row.
inline constexpr int kLanes = 32;

}  // namespace lq::backends::cuda
