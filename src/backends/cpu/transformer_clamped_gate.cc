#include "backends/cpu/transformer_clamped_gate.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/transformer_clamped_gate.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that they are compiled for every target.
#include <hwy/contrib/math/math-inl.h>

#include "backends/cpu/transformer_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

// 1 / (1 + exp(-alpha g)); exp overflows above 88, and the share is 0.
template <class D, class V>
HWY_INLINE V GateShare(D d, float alpha, V g) {
  const V one = hn::Set(d, 1.0F);
  const V power = hn::Min(hn::Mul(g, hn::Set(d, -alpha)), hn::Set(d, 88.0F));
  return hn::Div(one, hn::Add(one, hn::Exp(d, power)));
}

// v above the limit becomes the limit; NaN stays.
template <class D, class V>
HWY_INLINE V CutAbove(D d, float limit, V v) {
  const V most = hn::Set(d, limit);
  return hn::IfThenElse(hn::Gt(v, most), most, v);
}

template <class D, class V>
HWY_INLINE V CutBothWays(D d, float limit, V v) {
  const V least = hn::Set(d, -limit);
  return hn::IfThenElse(hn::Lt(v, least), least, CutAbove(d, limit, v));
}

void ClampedGateForward(GateClamp c, std::int64_t n, const float* gate, const float* up, float* out) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto g = CutAbove(d, c.limit, hn::LoadU(d, gate + i));
    const auto u = CutBothWays(d, c.limit, hn::LoadU(d, up + i));
    const auto glu = hn::Mul(g, GateShare(d, c.alpha, g));
    hn::StoreU(hn::MulAdd(u, glu, glu), d, out + i);
  });
}

void ClampedGateBackward(GateClamp c, std::int64_t n, const float* gate, const float* up,
                         const float* HWY_RESTRICT dout, float* dgate, float* dup) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto whole_g = hn::LoadU(d, gate + i);
    const auto whole_u = hn::LoadU(d, up + i);
    const auto g = CutAbove(d, c.limit, whole_g);
    const auto u = CutBothWays(d, c.limit, whole_u);
    const auto dy = hn::LoadU(d, dout + i);
    const auto share = GateShare(d, c.alpha, g);
    const auto glu = hn::Mul(g, share);
    // Of g * share: share + alpha g share (1 - share).
    const auto rest = hn::Sub(hn::Set(d, 1.0F), share);
    const auto slope = hn::MulAdd(hn::Mul(glu, hn::Set(d, c.alpha)), rest, share);
    const auto to_gate = hn::Mul(hn::MulAdd(u, dy, dy), slope);
    const auto limit = hn::Set(d, c.limit);
    hn::StoreU(hn::IfThenZeroElse(hn::Gt(whole_g, limit), to_gate), d, dgate + i);
    hn::StoreU(hn::IfThenZeroElse(hn::Gt(hn::Abs(whole_u), limit), hn::Mul(dy, glu)), d, dup + i);
  });
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
HWY_EXPORT(ClampedGateForward);
HWY_EXPORT(ClampedGateBackward);

void clamped_gate_forward(GateClamp clamp, std::int64_t n, const float* gate, const float* up, float* out) {
  HWY_DYNAMIC_DISPATCH(ClampedGateForward)(clamp, n, gate, up, out);
}
void clamped_gate_backward(GateClamp clamp, std::int64_t n, const float* gate, const float* up,
                           const float* dout, float* dgate, float* dup) {
  HWY_DYNAMIC_DISPATCH(ClampedGateBackward)(clamp, n, gate, up, dout, dgate, dup);
}

}  // namespace lq::backends
#endif
