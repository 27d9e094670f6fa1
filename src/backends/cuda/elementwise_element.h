// One element of each elementwise op, as a CUDA thread computes it (elementwise.cu).
#pragma once

#include <cmath>

#include "backends/cuda/host_device.h"

namespace lq::backends::cuda {

// 1 / (1 + exp(-v)). Where exp overflows to infinity the quotient is 0, as it should be.
LQ_HOST_DEVICE inline float sigmoid(float v) { return 1.0F / (1.0F + std::exp(-v)); }

LQ_HOST_DEVICE inline float silu_mul(float gate, float up) { return gate * sigmoid(gate) * up; }

struct SiluMulGradient {
  float gate, up;
};
// silu'(v) = s (1 + v (1 - s)) = s + silu (1 - s)
LQ_HOST_DEVICE inline SiluMulGradient silu_mul_gradient(float gate, float up, float dout) {
  const float s = sigmoid(gate);
  const float silu = gate * s;
  return {dout * up * (silu * (1.0F - s) + s), dout * silu};
}

}  // namespace lq::backends::cuda
