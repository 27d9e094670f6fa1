#include "backends/cpu/transformer_elementwise.h"

#include <cstring>

#include "base/float16.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/transformer_elementwise.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that they are compiled for every target.
#include <hwy/contrib/math/math-inl.h>

#include "backends/cpu/transformer_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

void AddTo(std::int64_t n, const float* HWY_RESTRICT x, float* HWY_RESTRICT y) {
  for_lanes(n, [&](auto d, std::int64_t i)
                   HWY_ATTR { hn::StoreU(hn::Add(hn::LoadU(d, y + i), hn::LoadU(d, x + i)), d, y + i); });
}

void ScaleBy(std::int64_t n, float a, float* y) {
  for_lanes(n, [&](auto d, std::int64_t i)
                   HWY_ATTR { hn::StoreU(hn::Mul(hn::LoadU(d, y + i), hn::Set(d, a)), d, y + i); });
}

// 1 / (1 + exp(-v))
template <class D, class V>
HWY_INLINE V Sigmoid(D d, V v) {
  const V one = hn::Set(d, 1.0F);
  // exp overflows to infinity above 88 and the quotient is 0, as it should be.
  return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Min(hn::Neg(v), hn::Set(d, 88.0F)))));
}

void SiluMulForward(std::int64_t n, const float* gate, const float* up, float* out) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto g = hn::LoadU(d, gate + i);
    hn::StoreU(hn::Mul(hn::Mul(g, Sigmoid(d, g)), hn::LoadU(d, up + i)), d, out + i);
  });
}

void SiluMulBackward(std::int64_t n, const float* gate, const float* up, const float* HWY_RESTRICT dout,
                     float* dgate, float* dup) {
  for_lanes(n, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto g = hn::LoadU(d, gate + i);
    const auto u = hn::LoadU(d, up + i);
    const auto dy = hn::LoadU(d, dout + i);
    const auto s = Sigmoid(d, g);
    const auto silu = hn::Mul(g, s);
    // silu'(v) = s (1 + v (1 - s)) = s + silu (1 - s)
    const auto slope = hn::MulAdd(silu, hn::Sub(hn::Set(d, 1.0F), s), s);
    hn::StoreU(hn::Mul(hn::Mul(dy, u), slope), d, dgate + i);
    hn::StoreU(hn::Mul(dy, silu), d, dup + i);
  });
}

void RopeRotate(std::int64_t tokens, std::int64_t heads, std::int64_t head_dim, std::int64_t half,
                const float* HWY_RESTRICT cos0, const float* HWY_RESTRICT sin0, bool inverse,
                float* HWY_RESTRICT x, std::int64_t stride) {
  for (std::int64_t t = 0; t < tokens; ++t) {
    const float* cos = cos0 + t * half;
    const float* sin = sin0 + t * half;
    for (std::int64_t h = 0; h < heads; ++h) {
      float* a = x + t * stride + h * head_dim;
      float* b = a + half;
      for_lanes(half, [&](auto d, std::int64_t i) HWY_ATTR {
        const auto c = hn::LoadU(d, cos + i);
        const auto s = inverse ? hn::Neg(hn::LoadU(d, sin + i)) : hn::LoadU(d, sin + i);
        const auto va = hn::LoadU(d, a + i);
        const auto vb = hn::LoadU(d, b + i);
        hn::StoreU(hn::NegMulAdd(vb, s, hn::Mul(va, c)), d, a + i);
        hn::StoreU(hn::MulAdd(va, s, hn::Mul(vb, c)), d, b + i);
      });
    }
  }
}

void WidenBf16(std::int64_t n, const void* from, float* HWY_RESTRICT out) {
  const F32 d;
  const hn::Rebind<std::uint16_t, F32> d16;
  const hn::Rebind<std::uint32_t, F32> d32;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto* bytes = static_cast<const unsigned char*>(from);
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    // LoadU takes any alignment on every target.
    const auto bits = hn::LoadU(d16, reinterpret_cast<const std::uint16_t*>(bytes + 2 * i));
    hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, bits))), d, out + i);
  }
  for (; i < n; ++i) {
    bf16 value;
    std::memcpy(&value, bytes + 2 * i, 2);
    out[i] = to_float(value);
  }
}

void WidenF16(std::int64_t n, const void* from, float* HWY_RESTRICT out) {
  const F32 d;
  const hn::Rebind<hwy::float16_t, F32> d16;
  const hn::Rebind<std::uint16_t, F32> du16;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto* bytes = static_cast<const unsigned char*>(from);
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = hn::LoadU(du16, reinterpret_cast<const std::uint16_t*>(bytes + 2 * i));
    hn::StoreU(hn::PromoteTo(d, hn::BitCast(d16, bits)), d, out + i);
  }
  for (; i < n; ++i) {
    f16 value;
    std::memcpy(&value, bytes + 2 * i, 2);
    out[i] = to_float(value);
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
HWY_EXPORT(AddTo);
HWY_EXPORT(ScaleBy);
HWY_EXPORT(SiluMulForward);
HWY_EXPORT(SiluMulBackward);
HWY_EXPORT(RopeRotate);
HWY_EXPORT(WidenBf16);
HWY_EXPORT(WidenF16);

void add_to(std::int64_t n, const float* x, float* y) { HWY_DYNAMIC_DISPATCH(AddTo)(n, x, y); }
void scale_by(std::int64_t n, float a, float* y) { HWY_DYNAMIC_DISPATCH(ScaleBy)(n, a, y); }

void silu_mul_forward(std::int64_t n, const float* gate, const float* up, float* out) {
  HWY_DYNAMIC_DISPATCH(SiluMulForward)(n, gate, up, out);
}

void silu_mul_backward(std::int64_t n, const float* gate, const float* up, const float* dout, float* dgate,
                       float* dup) {
  HWY_DYNAMIC_DISPATCH(SiluMulBackward)(n, gate, up, dout, dgate, dup);
}

void rope_rotate(std::int64_t tokens, std::int64_t heads, std::int64_t head_dim, std::int64_t half,
                 const float* cos, const float* sin, bool inverse, float* x, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(RopeRotate)(tokens, heads, head_dim, half, cos, sin, inverse, x, stride);
}

void widen_bf16(std::int64_t n, const void* x, float* out) { HWY_DYNAMIC_DISPATCH(WidenBf16)(n, x, out); }
void widen_f16(std::int64_t n, const void* x, float* out) { HWY_DYNAMIC_DISPATCH(WidenF16)(n, x, out); }

}  // namespace lq::backends
#endif
