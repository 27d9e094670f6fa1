// What one step of AdamW takes, as every device takes it.
#pragma once

#include <cstdint>

namespace lq::backends {

// w = keep w - rate * m / (sqrt(v) root + eps), after m = beta1 m + new1 g and v = beta2 v + new2 g^2, with g
// the gradient times `grad`. All in f32.
struct AdamWRates {
  float keep, beta1, new1, beta2, new2, rate, root, eps, grad;
};

// 8-bit moments: blocks of this many values share a scale.
inline constexpr std::int64_t kMomentBlock = 256;

// A rising table of the values that 8-bit codes name, and the middles between neighbours (the last is above
// all): the code of x is the number of middles at or below x.
struct MomentTable {
  float values[256];
  float middles[256];
};

// Moments of n parameters in 8 bits: code i stands for table.values[code] * scale[i / kMomentBlock].
struct PackedMoments {
  std::uint8_t* m = nullptr;
  std::uint8_t* v = nullptr;
  float* m_scale = nullptr;
  float* v_scale = nullptr;
};

}  // namespace lq::backends
