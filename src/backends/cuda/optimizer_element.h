// Steps of AdamW and sums of squares, as CUDA threads compute them (optimizer.cu): AdamW to the bits of
// backends/cpu.
#pragma once

#include <cmath>
#include <cstdint>

#include "backends/adamw_view.h"
#include "backends/cuda/half_element.h"
#include "backends/cuda/host_device.h"

namespace lq::backends::cuda {

LQ_HOST_DEVICE inline void adamw_update(const AdamWRates& r, float gradient, float& w, float& m, float& v) {
  const float grad = gradient * r.grad;
  m = r.beta1 * m + r.new1 * grad;
  v = r.beta2 * v + r.new2 * (grad * grad);
  w = r.keep * w - r.rate * (m / (std::sqrt(v) * r.root + r.eps));
}

// What changes from step to step: as a launch has it, or where a graph finds it.
struct StepRates {
  AdamWRates own;
  const AdamWRates* placed;  // on the device; null: own
  LQ_HOST_DEVICE const AdamWRates& get() const { return placed != nullptr ? *placed : own; }
};

struct AdamWStep {
  StepRates rates;
  const float* grad;
  float *w, *m, *v;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    adamw_update(rates.get(), grad[i], w[i], m[i], v[i]);
  }
};

// The number of the table's middles at or below x: the nearest value's code.
LQ_HOST_DEVICE inline std::uint8_t moment_code(const MomentTable& table, float x) {
  unsigned code = 0;
  for (unsigned step = 128; step > 0; step /= 2) {
    if (table.middles[code + step - 1] <= x) code += step;
  }
  return static_cast<std::uint8_t>(code);
}

// What values are multiplied by before they are coded; a subnormal scale has no finite inverse.
LQ_HOST_DEVICE inline float moment_inverse(float scale) { return scale >= 0x1p-126F ? 1.0F / scale : 0.0F; }

// One element of 8-bit moments, before (scales of the block as they were) and after.
struct MomentPair {
  float m, v;
};
LQ_HOST_DEVICE inline MomentPair step_packed(const AdamWRates& rates, const MomentTable& signed_table,
                                             const MomentTable& unsigned_table, std::uint8_t m_code,
                                             std::uint8_t v_code, float m_scale, float v_scale, float grad,
                                             float& w) {
  MomentPair p = {signed_table.values[m_code] * m_scale, unsigned_table.values[v_code] * v_scale};
  adamw_update(rates, grad, w, p.m, p.v);
  return p;
}

// Threads and elements of a block of a sum.
inline constexpr int kSumThreads = 256;
inline constexpr std::int64_t kSumBlock = 16384;

LQ_HOST_DEVICE inline double squares_of_thread(std::int64_t count, const float* x, int thread) {
  double sum = 0.0;
  for (std::int64_t i = thread; i < count; i += kSumThreads) sum += double{x[i]} * double{x[i]};
  return sum;
}

// The thread's part of the sum of `count` sums.
LQ_HOST_DEVICE inline double sums_of_thread(std::int64_t count, const double* sums, int thread) {
  double sum = 0.0;
  for (std::int64_t i = thread; i < count; i += kSumThreads) sum += sums[i];
  return sum;
}

LQ_HOST_DEVICE inline bool is_finite(float x) { return (bits_of_float(x) & 0x7f800000U) != 0x7f800000U; }

}  // namespace lq::backends::cuda
