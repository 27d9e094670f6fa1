#include "backends/cpu/transformer_activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/transformer_activation.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that they are compiled for every target.
#include <hwy/contrib/math/math-inl.h>

#include "backends/cpu/transformer_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

// Each function: Value(d, v), and Slope(d, v), its derivative.
struct SiluOf {
  template <class D, class V>
  static HWY_INLINE V Share(D d, V v) {  // 1 / (1 + exp(-v)); exp overflows above 88, and the share is 0
    const V one = hn::Set(d, 1.0F);
    return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Min(hn::Neg(v), hn::Set(d, 88.0F)))));
  }
  template <class D, class V>
  static HWY_INLINE V Value(D d, V v) {
    return hn::Mul(v, Share(d, v));
  }
  template <class D, class V>
  static HWY_INLINE V Slope(D d, V v) {
    const V s = Share(d, v);
    return hn::MulAdd(hn::Mul(v, s), hn::Sub(hn::Set(d, 1.0F), s), s);
  }
};

struct GeluTanhOf {
  static constexpr float kRoot = 0.7978845608F;  // sqrt(2 / pi)
  static constexpr float kCube = 0.044715F;
  // Beyond +-10 the tangent is 1 to the last bit, and cubes stay finite.
  template <class D, class V>
  static HWY_INLINE V Near(D d, V v) {
    return hn::Max(hn::Min(v, hn::Set(d, 10.0F)), hn::Set(d, -10.0F));
  }
  template <class D, class V>
  static HWY_INLINE V Tangent(D d, V v) {
    const V near = Near(d, v);
    const V square = hn::Mul(near, near);
    const V inner = hn::Mul(near, hn::MulAdd(square, hn::Set(d, kRoot * kCube), hn::Set(d, kRoot)));
    return hn::Tanh(d, inner);
  }
  template <class D, class V>
  static HWY_INLINE V Value(D d, V v) {
    const V half = hn::Mul(v, hn::Set(d, 0.5F));
    return hn::MulAdd(half, Tangent(d, v), half);
  }
  template <class D, class V>
  static HWY_INLINE V Slope(D d, V v) {
    const V t = Tangent(d, v);
    const V near = Near(d, v);
    const V half = hn::Set(d, 0.5F);
    const V inner = hn::MulAdd(hn::Mul(near, near), hn::Set(d, 3.0F * kRoot * kCube), hn::Set(d, kRoot));
    const V rest = hn::NegMulAdd(t, t, hn::Set(d, 1.0F));  // the tangent's slope
    return hn::MulAdd(hn::Mul(hn::Mul(near, half), rest), inner, hn::MulAdd(t, half, half));
  }
};

struct GeluOf {
  // erf(v) = v P(v^2) / Q(v^2) within +-4, 1 beyond: a rational function fitted to the smallest relative
  // error, 2e-9 in double and 4e-7 with f32 coefficients.
  template <class D, class V>
  static HWY_INLINE V Erf(D d, V v) {
    const V near = hn::Max(hn::Min(v, hn::Set(d, 4.0F)), hn::Set(d, -4.0F));
    const V t = hn::Mul(near, near);
    V p = hn::Set(d, -1.3202048343430306e-08F);
    p = hn::MulAdd(p, t, hn::Set(d, 4.684739451477071e-06F));
    p = hn::MulAdd(p, t, hn::Set(d, 0.0003796076634898782F));
    p = hn::MulAdd(p, t, hn::Set(d, 0.00384961673989892F));
    p = hn::MulAdd(p, t, hn::Set(d, 0.05431690812110901F));
    p = hn::MulAdd(p, t, hn::Set(d, 0.1852034479379654F));
    p = hn::MulAdd(p, t, hn::Set(d, 1.128379225730896F));
    V q = hn::Set(d, 6.311022298177704e-05F);
    q = hn::MulAdd(q, t, hn::Set(d, 0.001307569327764213F));
    q = hn::MulAdd(q, t, hn::Set(d, 0.015462095849215984F));
    q = hn::MulAdd(q, t, hn::Set(d, 0.11395847797393799F));
    q = hn::MulAdd(q, t, hn::Set(d, 0.49746569991111755F));
    q = hn::MulAdd(q, t, hn::Set(d, 1.0F));
    const V erf = hn::Div(hn::Mul(near, p), q);
    return hn::Max(hn::Min(erf, hn::Set(d, 1.0F)), hn::Set(d, -1.0F));
  }
  // Of the normal distribution up to v.
  template <class D, class V>
  static HWY_INLINE V Share(D d, V v) {
    const V half = hn::Set(d, 0.5F);
    return hn::MulAdd(Erf(d, hn::Mul(v, hn::Set(d, 0.7071067812F))), half, half);
  }
  template <class D, class V>
  static HWY_INLINE V Value(D d, V v) {
    return hn::Mul(v, Share(d, v));
  }
  template <class D, class V>
  static HWY_INLINE V Slope(D d, V v) {
    const V near = hn::Max(hn::Min(v, hn::Set(d, 12.0F)), hn::Set(d, -12.0F));
    const V density = hn::Mul(hn::Exp(d, hn::Mul(hn::Mul(near, near), hn::Set(d, -0.5F))),
                              hn::Set(d, 0.3989422804F));  // 1 / sqrt(2 pi)
    return hn::MulAdd(near, density, Share(d, v));
  }
};

struct ReluOf {
  template <class D, class V>
  static HWY_INLINE V Value(D d, V v) {
    return hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), v);  // NaN stays
  }
  template <class D, class V>
  static HWY_INLINE V Slope(D d, V v) {
    return hn::IfThenElseZero(hn::Gt(v, hn::Zero(d)), hn::Set(d, 1.0F));
  }
};

template <class F>
HWY_INLINE void ForwardOf(std::int64_t n, const float* x, float* y) {
  for_lanes(n,
            [&](auto d, std::int64_t i) HWY_ATTR { hn::StoreU(F::Value(d, hn::LoadU(d, x + i)), d, y + i); });
}

template <class F>
HWY_INLINE void BackwardOf(std::int64_t n, const float* x, const float* dy, float* dx) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    hn::StoreU(hn::Mul(hn::LoadU(d, dy + i), F::Slope(d, hn::LoadU(d, x + i))), d, dx + i);
  });
}

template <class F>
HWY_INLINE void GateForwardOf(std::int64_t n, const float* gate, const float* up, float* out) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    hn::StoreU(hn::Mul(F::Value(d, hn::LoadU(d, gate + i)), hn::LoadU(d, up + i)), d, out + i);
  });
}

template <class F>
HWY_INLINE void GateBackwardOf(std::int64_t n, const float* gate, const float* up,
                               const float* HWY_RESTRICT dout, float* dgate, float* dup) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto g = hn::LoadU(d, gate + i);
    const auto u = hn::LoadU(d, up + i);
    const auto dy = hn::LoadU(d, dout + i);
    hn::StoreU(hn::Mul(hn::Mul(dy, u), F::Slope(d, g)), d, dgate + i);
    hn::StoreU(hn::Mul(dy, F::Value(d, g)), d, dup + i);
  });
}

void ActivationForward(Activation a, std::int64_t n, const float* x, float* y) {
  switch (a) {
    case Activation::kSilu:
      return ForwardOf<SiluOf>(n, x, y);
    case Activation::kGeluTanh:
      return ForwardOf<GeluTanhOf>(n, x, y);
    case Activation::kGelu:
      return ForwardOf<GeluOf>(n, x, y);
    case Activation::kRelu:
      return ForwardOf<ReluOf>(n, x, y);
  }
}

void ActivationBackward(Activation a, std::int64_t n, const float* x, const float* dy, float* dx) {
  switch (a) {
    case Activation::kSilu:
      return BackwardOf<SiluOf>(n, x, dy, dx);
    case Activation::kGeluTanh:
      return BackwardOf<GeluTanhOf>(n, x, dy, dx);
    case Activation::kGelu:
      return BackwardOf<GeluOf>(n, x, dy, dx);
    case Activation::kRelu:
      return BackwardOf<ReluOf>(n, x, dy, dx);
  }
}

void GateForward(Activation a, std::int64_t n, const float* gate, const float* up, float* out) {
  switch (a) {
    case Activation::kSilu:
      return GateForwardOf<SiluOf>(n, gate, up, out);
    case Activation::kGeluTanh:
      return GateForwardOf<GeluTanhOf>(n, gate, up, out);
    case Activation::kGelu:
      return GateForwardOf<GeluOf>(n, gate, up, out);
    case Activation::kRelu:
      return GateForwardOf<ReluOf>(n, gate, up, out);
  }
}

void GateBackward(Activation a, std::int64_t n, const float* gate, const float* up, const float* dout,
                  float* dgate, float* dup) {
  switch (a) {
    case Activation::kSilu:
      return GateBackwardOf<SiluOf>(n, gate, up, dout, dgate, dup);
    case Activation::kGeluTanh:
      return GateBackwardOf<GeluTanhOf>(n, gate, up, dout, dgate, dup);
    case Activation::kGelu:
      return GateBackwardOf<GeluOf>(n, gate, up, dout, dgate, dup);
    case Activation::kRelu:
      return GateBackwardOf<ReluOf>(n, gate, up, dout, dgate, dup);
  }
}

void SoftCapForward(std::int64_t n, float cap, float* x) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto inner = hn::Mul(hn::LoadU(d, x + i), hn::Set(d, 1.0F / cap));
    hn::StoreU(hn::Mul(hn::Tanh(d, inner), hn::Set(d, cap)), d, x + i);
  });
}

void SoftCapBackward(std::int64_t n, float cap, const float* HWY_RESTRICT capped, float* HWY_RESTRICT dx) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto t = hn::Mul(hn::LoadU(d, capped + i), hn::Set(d, 1.0F / cap));
    const auto slope = hn::NegMulAdd(t, t, hn::Set(d, 1.0F));
    hn::StoreU(hn::Mul(hn::LoadU(d, dx + i), slope), d, dx + i);
  });
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
HWY_EXPORT(ActivationForward);
HWY_EXPORT(ActivationBackward);
HWY_EXPORT(GateForward);
HWY_EXPORT(GateBackward);
HWY_EXPORT(SoftCapForward);
HWY_EXPORT(SoftCapBackward);

void activation_forward(Activation a, std::int64_t n, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(ActivationForward)(a, n, x, y);
}
void activation_backward(Activation a, std::int64_t n, const float* x, const float* dy, float* dx) {
  HWY_DYNAMIC_DISPATCH(ActivationBackward)(a, n, x, dy, dx);
}
void gate_forward(Activation a, std::int64_t n, const float* gate, const float* up, float* out) {
  HWY_DYNAMIC_DISPATCH(GateForward)(a, n, gate, up, out);
}
void gate_backward(Activation a, std::int64_t n, const float* gate, const float* up, const float* dout,
                   float* dgate, float* dup) {
  HWY_DYNAMIC_DISPATCH(GateBackward)(a, n, gate, up, dout, dgate, dup);
}
void soft_cap_forward(std::int64_t n, float cap, float* x) {
  HWY_DYNAMIC_DISPATCH(SoftCapForward)(n, cap, x);
}
void soft_cap_backward(std::int64_t n, float cap, const float* capped, float* dx) {
  HWY_DYNAMIC_DISPATCH(SoftCapBackward)(n, cap, capped, dx);
}

}  // namespace lq::backends
#endif
