#include "backends/cpu/adamw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/parallel.h"

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kAdamGrain = 64 * kMomentBlock;

void update(std::int64_t n, const AdamWRates& r, const float* g, float* w, float* m, float* v) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float grad = g[i] * r.grad;
    m[i] = r.beta1 * m[i] + r.new1 * grad;
    v[i] = r.beta2 * v[i] + r.new2 * (grad * grad);
    w[i] = r.keep * w[i] - r.rate * (m[i] / (std::sqrt(v[i]) * r.root + r.eps));
  }
}

}  // namespace

void adamw_step(Context& ctx, const AdamWRates& rates, ConstVector grad, Vector w, Vector m, Vector v) {
  parallel_for(ctx.pool, std::ssize(w), kAdamGrain, [&](std::int64_t begin, std::int64_t end) {
    update(end - begin, rates, grad.data() + begin, w.data() + begin, m.data() + begin, v.data() + begin);
  });
}

void adamw_step(Context& ctx, const AdamWRates& rates, ConstVector grad, Vector w,
                const PackedMoments& moments, const MomentTable& signed_table,
                const MomentTable& unsigned_table) {
  parallel_for(ctx.pool, std::ssize(w), kAdamGrain, [&](std::int64_t begin, std::int64_t end) {
    std::array<float, kMomentBlock> m{};
    std::array<float, kMomentBlock> v{};
    for (std::int64_t at = begin; at < end; at += kMomentBlock) {
      const std::int64_t n = std::min(kMomentBlock, end - at);
      float& m_scale = moments.m_scale[at / kMomentBlock];
      float& v_scale = moments.v_scale[at / kMomentBlock];
      decode_moments(signed_table, moments.m + at, m_scale, n, m.data());
      decode_moments(unsigned_table, moments.v + at, v_scale, n, v.data());
      update(n, rates, grad.data() + at, w.data() + at, m.data(), v.data());
      m_scale = encode_moments(signed_table, m.data(), n, moments.m + at);
      v_scale = encode_moments(unsigned_table, v.data(), n, moments.v + at);
    }
  });
}

std::uint8_t nearest_moment(const MomentTable& table, float x) {
  // The number of middles at or below x.
  unsigned code = 0;
  for (unsigned step = 128; step > 0; step /= 2) {
    if (table.middles[code + step - 1] <= x) code += step;
  }
  return static_cast<std::uint8_t>(code);
}

void decode_moments(const MomentTable& table, const std::uint8_t* codes, float scale, std::int64_t count,
                    float* values) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = table.values[codes[i]] * scale;
}

float encode_moments(const MomentTable& table, const float* values, std::int64_t count, std::uint8_t* codes) {
  float scale = 0.0F;
  for (std::int64_t i = 0; i < count; ++i) scale = std::max(scale, std::abs(values[i]));
  // A subnormal scale has no finite inverse.
  const float inverse = scale >= std::numeric_limits<float>::min() ? 1.0F / scale : 0.0F;
  for (std::int64_t i = 0; i < count; ++i) codes[i] = nearest_moment(table, values[i] * inverse);
  return scale;
}

}  // namespace lq::backends::cpu
