#include "backends/cpu/transformer_softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/transformer_softmax.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that they are compiled for every target.
#include <hwy/contrib/math/math-inl.h>

#include "backends/cpu/transformer_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

HWY_INLINE float MaxOf(std::int64_t n, const float* HWY_RESTRICT x) {
  const F32 d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto m = hn::Set(d, -std::numeric_limits<float>::infinity());
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) m = hn::Max(m, hn::LoadU(d, x + i));
  float peak = hn::GetLane(hn::MaxOfLanes(d, m));
  for (; i < n; ++i) peak = std::max(peak, x[i]);
  return peak;
}

// Highway's Exp is made for finite arguments; below -87 the result is 0 either way. NaN stays NaN: Max alone
// would turn it into `low` and hide a broken model.
template <class D, class V>
HWY_INLINE V ExpOf(D d, V v) {
  const V low = hn::Set(d, -87.0F);
  const V finite = hn::IfThenZeroElse(hn::Lt(v, low), hn::Exp(d, hn::Max(v, low)));
  return hn::IfThenElse(hn::IsNaN(v), v, finite);
}

// s = exp(s - shift); returns the sum.
HWY_INLINE float ExpSum(std::int64_t n, float shift, float* HWY_RESTRICT s) {
  return sum_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto e = ExpOf(d, hn::Sub(hn::LoadU(d, s + i), hn::Set(d, shift)));
    hn::StoreU(e, d, s + i);
    return e;
  });
}

float OnlineSoftmax(std::int64_t n, float* HWY_RESTRICT s, float* peak, float* total) {
  const float old = *peak;
  const float now = std::max(old, MaxOf(n, s));
  if (now == -std::numeric_limits<float>::infinity()) {
    std::fill(s, s + n, 0.0F);
    return 1.0F;
  }
  const float keep = old == now ? 1.0F : std::exp(old - now);  // exp(-inf) = 0 at first
  *total = *total * keep + ExpSum(n, now, s);
  *peak = now;
  return keep;
}

void ExpShifted(std::int64_t n, float shift, float* HWY_RESTRICT s) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    hn::StoreU(ExpOf(d, hn::Sub(hn::LoadU(d, s + i), hn::Set(d, shift))), d, s + i);
  });
}

void SoftmaxScoresBackward(std::int64_t n, const float* HWY_RESTRICT p, float delta, float scale,
                           float* HWY_RESTRICT dp) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto g = hn::Sub(hn::LoadU(d, dp + i), hn::Set(d, delta));
    hn::StoreU(hn::Mul(hn::Mul(hn::LoadU(d, p + i), g), hn::Set(d, scale)), d, dp + i);
  });
}

float LogSumExp(std::int64_t n, const float* HWY_RESTRICT x) {
  const float peak = MaxOf(n, x);
  const float sum = sum_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    return ExpOf(d, hn::Sub(hn::LoadU(d, x + i), hn::Set(d, peak)));
  });
  return peak + std::log(sum);
}

float Dot(std::int64_t n, const float* HWY_RESTRICT x, const float* HWY_RESTRICT y) {
  return sum_lanes(
      n, [&](auto d, std::int64_t i) HWY_ATTR { return hn::Mul(hn::LoadU(d, x + i), hn::LoadU(d, y + i)); });
}

void Axpy(std::int64_t n, float a, const float* HWY_RESTRICT x, float* HWY_RESTRICT y) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    hn::StoreU(hn::MulAdd(hn::LoadU(d, x + i), hn::Set(d, a), hn::LoadU(d, y + i)), d, y + i);
  });
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
HWY_EXPORT(OnlineSoftmax);
HWY_EXPORT(ExpShifted);
HWY_EXPORT(SoftmaxScoresBackward);
HWY_EXPORT(LogSumExp);
HWY_EXPORT(Dot);
HWY_EXPORT(Axpy);

float online_softmax(std::int64_t n, float* s, float* peak, float* total) {
  return HWY_DYNAMIC_DISPATCH(OnlineSoftmax)(n, s, peak, total);
}
void exp_shifted(std::int64_t n, float shift, float* s) { HWY_DYNAMIC_DISPATCH(ExpShifted)(n, shift, s); }
void softmax_scores_backward(std::int64_t n, const float* p, float delta, float scale, float* dp) {
  HWY_DYNAMIC_DISPATCH(SoftmaxScoresBackward)(n, p, delta, scale, dp);
}
float log_sum_exp(std::int64_t n, const float* x) { return HWY_DYNAMIC_DISPATCH(LogSumExp)(n, x); }
float dot(std::int64_t n, const float* x, const float* y) { return HWY_DYNAMIC_DISPATCH(Dot)(n, x, y); }
void axpy(std::int64_t n, float a, const float* x, float* y) { HWY_DYNAMIC_DISPATCH(Axpy)(n, a, x, y); }

}  // namespace lq::backends
#endif
