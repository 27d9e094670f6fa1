// The tensor core's product of few rows. Internal to backends/cuda, for .cu files only.
#pragma once

#include "backends/cuda/few_rows_element.h"

namespace lq::backends::cuda {

// sums += left right: the tensor core's 16 x 16 by 16 x 8.
__device__ inline void multiply_fragments(const std::uint32_t a[4], std::uint32_t b0, std::uint32_t b1,
                                          LaneSums& sums) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(sums.sum[0]), "+f"(sums.sum[1]), "+f"(sums.sum[2]), "+f"(sums.sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  (void)a, (void)b0, (void)b1, (void)sums;  // few_rows() takes the other kernel there
#endif
}

}  // namespace lq::backends::cuda
