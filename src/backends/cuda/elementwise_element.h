// One element of each elementwise op, as a CUDA thread computes it (elementwise.cu).
#pragma once

#include <cmath>
#include <cstdint>

#include "backends/activation.h"
#include "backends/cuda/host_device.h"
#include "backends/dropout_mask.h"
#include "backends/gate_clamp.h"

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

// What follows is called once for each i.

struct SiluMulForward {
  const float *gate, *up;
  float* out;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const { out[i] = silu_mul(gate[i], up[i]); }
};

struct SiluMulBackward {
  const float *gate, *up, *dout;
  float *dgate, *dup;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    const SiluMulGradient g = silu_mul_gradient(gate[i], up[i], dout[i]);
    dgate[i] = g.gate;
    dup[i] = g.up;
  }
};

struct Fill {
  float value;
  float* x;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const { x[i] = value; }
};

struct Scale {
  float factor;
  float* x;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const { x[i] *= factor; }
};

struct Add {
  const float* x;
  float* y;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const { y[i] += x[i]; }
};

struct AddBias {
  std::int64_t cols;
  const float* bias;
  float* y;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const { y[i] += bias[i % cols]; }
};

// backends/gate_clamp.h's gate. A NaN stays one.
LQ_HOST_DEVICE inline float cut_above(float limit, float v) { return v > limit ? limit : v; }
LQ_HOST_DEVICE inline float cut_both(float limit, float v) {
  return v < -limit ? -limit : cut_above(limit, v);
}

struct ClampedGateForward {
  GateClamp clamp;
  const float *gate, *up;
  float* out;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    const float g = cut_above(clamp.limit, gate[i]);
    const float glu = g * sigmoid(clamp.alpha * g);
    out[i] = cut_both(clamp.limit, up[i]) * glu + glu;
  }
};

struct ClampedGateBackward {
  GateClamp clamp;
  const float *gate, *up, *dout;
  float *dgate, *dup;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    const float whole_g = gate[i];
    const float whole_u = up[i];
    const float g = cut_above(clamp.limit, whole_g);
    const float u = cut_both(clamp.limit, whole_u);
    const float share = sigmoid(clamp.alpha * g);
    const float glu = g * share;
    const float slope = glu * clamp.alpha * (1.0F - share) + share;
    const float dy = dout[i];
    const bool up_cut = whole_u > clamp.limit || whole_u < -clamp.limit;
    dgate[i] = whole_g > clamp.limit ? 0.0F : (u * dy + dy) * slope;
    dup[i] = up_cut ? 0.0F : dy * glu;
  }
};

struct ActivationValue {
  float value, slope;
};
// backends/activation.h's functions and their derivatives.
LQ_HOST_DEVICE inline ActivationValue activate(Activation a, float v) {
  switch (a) {
    case Activation::kSilu: {
      const float s = sigmoid(v);
      return {v * s, v * s * (1.0F - s) + s};
    }
    case Activation::kGeluTanh: {
      constexpr float kRoot = 0.797884560802865F;  // sqrt(2 / pi)
      constexpr float kCube = 0.044715F;
      const float t = std::tanh(kRoot * (v + kCube * v * v * v));
      // Where the tangent is flat the other factor may have overflowed.
      const float flat = 1.0F - t * t;
      const float rest = flat > 0.0F ? flat * kRoot * (1.0F + 3.0F * kCube * v * v) : 0.0F;
      return {0.5F * v * (1.0F + t), 0.5F * (1.0F + t) + 0.5F * v * rest};
    }
    case Activation::kGelu: {
      const float cdf = 0.5F * (1.0F + std::erf(v * 0.707106781186548F));
      return {v * cdf, cdf + v * std::exp(-0.5F * v * v) * 0.398942280401433F};
    }
    case Activation::kRelu:
      break;
  }
  return {v < 0.0F ? 0.0F : v, v > 0.0F ? 1.0F : 0.0F};
}

struct ActivationForward {
  Activation activation;
  const float* x;
  float* y;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const { y[i] = activate(activation, x[i]).value; }
};
struct ActivationBackward {
  Activation activation;
  const float *x, *dy;
  float* dx;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const { dx[i] = dy[i] * activate(activation, x[i]).slope; }
};
struct GateForward {
  Activation activation;
  const float *gate, *up;
  float* out;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    out[i] = activate(activation, gate[i]).value * up[i];
  }
};
struct GateBackward {
  Activation activation;
  const float *gate, *up, *dout;
  float *dgate, *dup;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    const ActivationValue a = activate(activation, gate[i]);
    const float u = up[i];
    dgate[i] = dout[i] * u * a.slope;
    dup[i] = dout[i] * a.value;
  }
};

// x = cap tanh(x / cap), and dx by what came out of it.
struct SoftCapForward {
  float cap;
  float* x;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const { x[i] = cap * std::tanh(x[i] / cap); }
};
struct SoftCapBackward {
  float cap;
  const float* capped;
  float* dx;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    const float t = capped[i] / cap;
    dx[i] *= 1.0F - t * t;
  }
};

// Element i of a part [rows, cols] that lies in `whole` of `width` columns from `begin` on.
struct TakeColumns {
  std::int64_t cols, width, begin;
  const float* whole;
  float* part;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    part[i] = whole[i / cols * width + begin + i % cols];
  }
};
struct PutColumns {
  std::int64_t cols, width, begin;
  const float* part;
  float* whole;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    whole[i / cols * width + begin + i % cols] = part[i];
  }
};

struct PhiloxWords {
  std::uint32_t word[4];
};

// base/rng.h's words at (seed, stream, index): ten rounds of Philox 4x32.
LQ_HOST_DEVICE inline PhiloxWords philox_words(std::uint64_t seed, std::uint64_t stream,
                                               std::uint64_t index) {
  PhiloxWords c = {{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                    static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)}};
  auto k0 = static_cast<std::uint32_t>(seed);
  auto k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * c.word[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * c.word[2];
    c = {{static_cast<std::uint32_t>(p1 >> 32) ^ c.word[1] ^ k0, static_cast<std::uint32_t>(p1),
          static_cast<std::uint32_t>(p0 >> 32) ^ c.word[3] ^ k1, static_cast<std::uint32_t>(p0)}};
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return c;
}

// The mask of one draw of those that share a seed and a stream (backends/dropout_mask.h).
LQ_HOST_DEVICE inline DropoutMask drawn_mask(const DropoutMask& all, std::uint64_t draw) {
  const PhiloxWords key = philox_words(all.seed, all.stream, draw);
  return {std::uint64_t{key.word[0]} << 32 | key.word[1], key.word[2], all.below, all.grow};
}

// Elements 8 i .. 8 i + 7 of y = mask * x: a call of Philox gives the 16 bits of each.
struct Dropout {
  static constexpr int kRun = 8;
  DropoutMask mask;
  std::int64_t count;
  const float* x;
  float* y;
  const std::uint64_t* draw = nullptr;  // on the device, where a graph finds it: mask is that of all draws
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    const DropoutMask drawn = draw != nullptr ? drawn_mask(mask, *draw) : mask;
    const PhiloxWords words = philox_words(drawn.seed, drawn.stream, static_cast<std::uint64_t>(i));
    for (int j = 0; j < kRun && i * kRun + j < count; ++j) {
      const std::int64_t at = i * kRun + j;
      const std::uint32_t bits = words.word[j / 2] >> (16 * (j % 2)) & 0xffffU;
      y[at] = bits < mask.below ? 0.0F : x[at] * mask.grow;
    }
  }
};

// Threads that share a column's sum over rows.
inline constexpr int kColumnShares = 8;

// This share's part of the sum of column `col`: rows share, share + kColumnShares, ...
LQ_HOST_DEVICE inline float column_share(std::int64_t rows, std::int64_t cols, const float* x,
                                         std::int64_t col, int share) {
  float sum = 0.0F;
  for (std::int64_t r = share; r < rows; r += kColumnShares) sum += x[r * cols + col];
  return sum;
}

// sums[col] += the shares, in their order.
LQ_HOST_DEVICE inline void add_column_shares(const float* shares, std::int64_t stride, std::int64_t col,
                                             float* sums) {
  float sum = shares[0];
  for (int s = 1; s < kColumnShares; ++s) sum += shares[s * stride];
  sums[col] += sum;
}

}  // namespace lq::backends::cuda
