// A block in two steps: its codes become bytes, sixteen at a time; then each sub-block's bytes become floats
// times the sub-block's scale, plus an offset where the type has one.
#include "backends/cpu/ggml_blocks.h"

#include <bit>
#include <cstring>

#include "base/float16.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/ggml_blocks.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#ifndef LQ_BACKENDS_CPU_GGML_FIELDS_
#define LQ_BACKENDS_CPU_GGML_FIELDS_
namespace lq::backends {

static_assert(std::endian::native == std::endian::little);

inline float ggml_half(const std::uint8_t* x) {
  f16 value;
  std::memcpy(&value, x, 2);
  return to_float(value);
}

inline std::uint32_t ggml_word(const std::uint8_t* x) {
  std::uint32_t value;
  std::memcpy(&value, x, 4);
  return value;
}

// Four bytes, each below 64: the high two bits of each byte of `high` at `shift` above the low four of `low`.
inline std::uint32_t ggml_six_bits(std::uint32_t low, std::uint32_t high, int shift) {
  return (low & 0x0f0f0f0fU) | (((high >> shift) & 0x03030303U) << 4);
}

alignas(16) inline constexpr std::int8_t kGgmlIq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                         1,    13,   25,  38,  53,  69,  89,  113};
alignas(16) inline constexpr std::uint8_t kGgmlBits[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                                           1, 2, 4, 8, 16, 32, 64, 128};
alignas(16) inline constexpr std::uint8_t kGgmlEights[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};

}  // namespace lq::backends
#endif  // LQ_BACKENDS_CPU_GGML_FIELDS_

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes: then a vector never spans two sub-blocks.
using GgmlD = hn::CappedTag<float, 16>;
constexpr int kGgmlLanes = static_cast<int>(hn::MaxLanes(GgmlD()));
static_assert(kGgmlLanes == 4 || kGgmlLanes == 8 || kGgmlLanes == 16);
// Sixteen codes.
using CodesD = hn::FixedTag<std::uint8_t, 16>;
using CodesV = hn::Vec<CodesD>;

HWY_INLINE CodesV LoadCodes(const std::uint8_t* x) { return hn::LoadU(CodesD(), x); }
HWY_INLINE CodesV Codes(int value) { return hn::Set(CodesD(), static_cast<std::uint8_t>(value)); }

HWY_INLINE void StoreCodes(CodesV codes, std::int8_t* to) {
  hn::Store(codes, CodesD(), reinterpret_cast<std::uint8_t*>(to));
}

// (x >> kShift) & mask of each byte. REQUIRES: mask < 2^(8 - kShift).
template <int kShift>
HWY_INLINE CodesV Field(CodesV x, int mask) {
  const hn::Repartition<std::uint16_t, CodesD> d16;
  if constexpr (kShift == 0) return hn::And(x, Codes(mask));
  return hn::And(hn::BitCast(CodesD(), hn::ShiftRight<kShift>(hn::BitCast(d16, x))), Codes(mask));
}

// x << 4 of each byte. REQUIRES: x < 16.
HWY_INLINE CodesV Times16(CodesV x) {
  const hn::Repartition<std::uint16_t, CodesD> d16;
  return hn::BitCast(CodesD(), hn::ShiftLeft<4>(hn::BitCast(d16, x)));
}

// `value` where the bit of x is set, else 0.
HWY_INLINE CodesV WhereSet(CodesV x, CodesV bit, int value) {
  return hn::IfThenElseZero(hn::TestBit(x, bit), Codes(value));
}

// 16 where bit i of sixteen is set. x: their two bytes.
HWY_INLINE CodesV FifthBits(const std::uint8_t* x) {
  const hn::Repartition<std::uint16_t, CodesD> d16;
  std::uint16_t bits;
  std::memcpy(&bits, x, 2);
  const CodesV bytes =
      hn::TableLookupBytes(hn::BitCast(CodesD(), hn::Set(d16, bits)), hn::Load(CodesD(), kGgmlEights));
  return WhereSet(bytes, hn::Load(CodesD(), kGgmlBits), 16);
}

HWY_INLINE CodesV Iq4Values(CodesV codes) {
  const CodesV table = hn::Load(CodesD(), reinterpret_cast<const std::uint8_t*>(kGgmlIq4));
  return hn::TableLookupBytes(table, codes);
}

// out[i] = codes[i] * scales[i / kSub] + offsets[i / kSub], without the sum where there are no offsets.
template <int kSub, bool kOffset>
HWY_INLINE void ScaleCodes(const std::int8_t* codes, const float* scales, const float* offsets, int subs,
                           float* HWY_RESTRICT out) {
  const GgmlD d;
  const hn::RebindToSigned<GgmlD> di;
  const hn::Rebind<std::int8_t, GgmlD> d8;
  for (int sub = 0; sub < subs; ++sub) {
    const auto scale = hn::Set(d, scales[sub]);
    for (int i = kSub * sub; i < kSub * (sub + 1); i += kGgmlLanes) {
      auto y = hn::Mul(hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(d8, codes + i))), scale);
      if constexpr (kOffset) y = hn::Add(y, hn::Set(d, offsets[sub]));
      hn::StoreU(y, d, out + i);
    }
  }
}

// out[i] = by * (bytes[i] + plus), i < kCount.
template <int kCount, typename Byte>
HWY_INLINE void ScaleSmall(const Byte* bytes, int plus, float by, float* HWY_RESTRICT out) {
  const hn::CappedTag<float, 8> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<Byte, decltype(d)> d8;
  for (int i = 0; i < kCount; i += static_cast<int>(hn::MaxLanes(d))) {
    const auto whole = hn::Add(hn::PromoteTo(di, hn::LoadU(d8, bytes + i)), hn::Set(di, plus));
    hn::Store(hn::Mul(hn::Set(d, by), hn::ConvertTo(d, whole)), d, out + i);
  }
}

// Blocks of 32: kBits of 4 or 5 with the codes in two halves of 16 bytes.
// kCentre: what is taken off a code. kOffset: the block has a least value as well as a scale.
template <int kBits, int kCentre, bool kOffset>
HWY_INLINE void DecodeHalves(const std::uint8_t* x, std::int64_t blocks, float* out) {
  constexpr int kFifths = kOffset ? 4 : 2;  // where the fifth bits are
  constexpr int kCodes = kFifths + (kBits == 5 ? 4 : 0);
  alignas(16) std::int8_t codes[32];
  for (std::int64_t b = 0; b < blocks; ++b, x += kCodes + 16, out += 32) {
    const CodesV both = LoadCodes(x + kCodes);
    CodesV low = Field<0>(both, 15);
    CodesV high = Field<4>(both, 15);
    if constexpr (kBits == 5) {
      low = hn::Or(low, FifthBits(x + kFifths));
      high = hn::Or(high, FifthBits(x + kFifths + 2));
    }
    StoreCodes(hn::Sub(low, Codes(kCentre)), codes);
    StoreCodes(hn::Sub(high, Codes(kCentre)), codes + 16);
    const float scale = ggml_half(x);
    const float least = kOffset ? ggml_half(x + 2) : 0.0F;
    ScaleCodes<32, kOffset>(codes, &scale, &least, 1, out);
  }
}

HWY_INLINE void DecodeIq4Nl(const std::uint8_t* x, std::int64_t blocks, float* out) {
  alignas(16) std::int8_t codes[32];
  for (std::int64_t b = 0; b < blocks; ++b, x += 18, out += 32) {
    const CodesV both = LoadCodes(x + 2);
    StoreCodes(Iq4Values(Field<0>(both, 15)), codes);
    StoreCodes(Iq4Values(Field<4>(both, 15)), codes + 16);
    const float scale = ggml_half(x);
    ScaleCodes<32, false>(codes, &scale, nullptr, 1, out);
  }
}

HWY_INLINE void DecodeQ8(const std::uint8_t* x, std::int64_t blocks, float* out) {
  for (std::int64_t b = 0; b < blocks; ++b, x += 34, out += 32) {
    const float scale = ggml_half(x);
    ScaleCodes<32, false>(reinterpret_cast<const std::int8_t*>(x + 2), &scale, nullptr, 1, out);
  }
}

// Codes of 2 bits in 64 bytes; store(code, weight, byte of 32) takes sixteen at a time.
template <typename Store>
HWY_INLINE void TwoBitCodes(const std::uint8_t* bytes, const Store& store) {
  for (int half = 0; half < 2; ++half) {
    for (int part = 0; part < 32; part += 16) {
      const CodesV x = LoadCodes(bytes + 32 * half + part);
      store(Field<0>(x, 3), 128 * half + part, part);
      store(Field<2>(x, 3), 128 * half + 32 + part, part);
      store(Field<4>(x, 3), 128 * half + 64 + part, part);
      store(Field<6>(x, 3), 128 * half + 96 + part, part);
    }
  }
}

HWY_INLINE void DecodeQ2K(const std::uint8_t* x, std::int64_t blocks, float* out) {
  alignas(16) std::int8_t codes[256];
  alignas(64) std::uint8_t small[32];
  alignas(64) float scales[16];
  alignas(64) float offsets[16];
  for (std::int64_t b = 0; b < blocks; ++b, x += 84, out += 256) {
    const CodesV both = LoadCodes(x);
    hn::Store(Field<0>(both, 15), CodesD(), small);
    hn::Store(Field<4>(both, 15), CodesD(), small + 16);
    ScaleSmall<16>(small, 0, ggml_half(x + 80), scales);
    ScaleSmall<16>(small + 16, 0, -ggml_half(x + 82), offsets);
    TwoBitCodes(x + 16, [&](CodesV code, int at, int) HWY_ATTR { StoreCodes(code, codes + at); });
    ScaleCodes<16, true>(codes, scales, offsets, 16, out);
  }
}

HWY_INLINE void DecodeQ3K(const std::uint8_t* x, std::int64_t blocks, float* out) {
  alignas(16) std::int8_t codes[256];
  alignas(64) std::uint32_t small[4];
  alignas(64) float scales[16];
  for (std::int64_t b = 0; b < blocks; ++b, x += 110, out += 256) {
    const std::uint32_t low[2] = {ggml_word(x + 96), ggml_word(x + 100)};
    const std::uint32_t high = ggml_word(x + 104);
    small[0] = ggml_six_bits(low[0], high, 0);
    small[1] = ggml_six_bits(low[1], high, 2);
    small[2] = ggml_six_bits(low[0] >> 4, high, 4);
    small[3] = ggml_six_bits(low[1] >> 4, high, 6);
    ScaleSmall<16>(reinterpret_cast<const std::uint8_t*>(small), -32, ggml_half(x + 108), scales);
    // A bit that is clear takes 4 off.
    TwoBitCodes(x + 32, [&](CodesV code, int at, int part) HWY_ATTR {
      const CodesV third = WhereSet(LoadCodes(x + part), Codes(1 << (at / 32)), 4);
      StoreCodes(hn::Sub(hn::Or(code, third), Codes(4)), codes + at);
    });
    ScaleCodes<16, false>(codes, scales, nullptr, 16, out);
  }
}

// Scales and least values of Q4_K and Q5_K: 6 bits each, in 12 bytes.
HWY_INLINE void SubScales(const std::uint8_t* x, float* scales, float* offsets) {
  const std::uint32_t a = ggml_word(x + 4);
  const std::uint32_t b = ggml_word(x + 8);
  const std::uint32_t c = ggml_word(x + 12);
  alignas(64) const std::uint32_t small[4] = {a & 0x3f3f3f3fU, ggml_six_bits(c, a, 6), b & 0x3f3f3f3fU,
                                              ggml_six_bits(c >> 4, b, 6)};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(small);
  ScaleSmall<8>(bytes, 0, ggml_half(x), scales);
  ScaleSmall<8>(bytes + 8, 0, -ggml_half(x + 2), offsets);
}

template <bool kFifth>
HWY_INLINE void DecodeQ4KOrQ5K(const std::uint8_t* x, std::int64_t blocks, float* out) {
  constexpr int kCodes = kFifth ? 48 : 16;
  alignas(16) std::int8_t codes[256];
  alignas(64) float scales[8];
  alignas(64) float offsets[8];
  for (std::int64_t b = 0; b < blocks; ++b, x += kCodes + 128, out += 256) {
    SubScales(x, scales, offsets);
    for (int group = 0; group < 4; ++group) {
      for (int part = 0; part < 32; part += 16) {
        const CodesV both = LoadCodes(x + kCodes + 32 * group + part);
        CodesV low = Field<0>(both, 15);
        CodesV high = Field<4>(both, 15);
        if constexpr (kFifth) {
          const CodesV fifths = LoadCodes(x + 16 + part);
          low = hn::Or(low, WhereSet(fifths, Codes(1 << (2 * group)), 16));
          high = hn::Or(high, WhereSet(fifths, Codes(2 << (2 * group)), 16));
        }
        StoreCodes(low, codes + 64 * group + part);
        StoreCodes(high, codes + 64 * group + 32 + part);
      }
    }
    ScaleCodes<32, true>(codes, scales, offsets, 8, out);
  }
}

HWY_INLINE void DecodeQ6K(const std::uint8_t* x, std::int64_t blocks, float* out) {
  alignas(16) std::int8_t codes[256];
  alignas(64) float scales[16];
  for (std::int64_t b = 0; b < blocks; ++b, x += 210, out += 256) {
    ScaleSmall<16>(reinterpret_cast<const std::int8_t*>(x + 192), 0, ggml_half(x + 208), scales);
    // In each half of 128 weights the low 4 bits lie in 64 bytes: their low halves, then the high ones.
    TwoBitCodes(x + 128, [&](CodesV two, int at, int) HWY_ATTR {
      const CodesV both = LoadCodes(x + at / 128 * 64 + at % 64);
      const CodesV low = at % 128 < 64 ? Field<0>(both, 15) : Field<4>(both, 15);
      StoreCodes(hn::Sub(hn::Or(low, Times16(two)), Codes(32)), codes + at);
    });
    ScaleCodes<16, false>(codes, scales, nullptr, 16, out);
  }
}

HWY_INLINE void DecodeIq4Xs(const std::uint8_t* x, std::int64_t blocks, float* out) {
  alignas(16) std::int8_t codes[256];
  alignas(64) float scales[8];
  alignas(64) std::uint8_t small[8];
  for (std::int64_t b = 0; b < blocks; ++b, x += 136, out += 256) {
    const int high = x[2] | (x[3] << 8);
    for (int sub = 0; sub < 8; ++sub) {
      const int low = (x[4 + sub / 2] >> (4 * (sub % 2))) & 15;
      small[sub] = static_cast<std::uint8_t>(low | (((high >> (2 * sub)) & 3) << 4));
      const CodesV both = LoadCodes(x + 8 + 16 * sub);
      StoreCodes(Iq4Values(Field<0>(both, 15)), codes + 32 * sub);
      StoreCodes(Iq4Values(Field<4>(both, 15)), codes + 32 * sub + 16);
    }
    ScaleSmall<8>(small, -32, ggml_half(x), scales);
    ScaleCodes<32, false>(codes, scales, nullptr, 8, out);
  }
}

void DecodeGgml(GgmlBlocks type, const std::uint8_t* x, std::int64_t blocks, float* out) {
  switch (type) {
    case GgmlBlocks::kQ4_0:
      return DecodeHalves<4, 8, false>(x, blocks, out);
    case GgmlBlocks::kQ4_1:
      return DecodeHalves<4, 0, true>(x, blocks, out);
    case GgmlBlocks::kQ5_0:
      return DecodeHalves<5, 16, false>(x, blocks, out);
    case GgmlBlocks::kQ5_1:
      return DecodeHalves<5, 0, true>(x, blocks, out);
    case GgmlBlocks::kQ8_0:
      return DecodeQ8(x, blocks, out);
    case GgmlBlocks::kIq4Nl:
      return DecodeIq4Nl(x, blocks, out);
    case GgmlBlocks::kQ2_K:
      return DecodeQ2K(x, blocks, out);
    case GgmlBlocks::kQ3_K:
      return DecodeQ3K(x, blocks, out);
    case GgmlBlocks::kQ4_K:
      return DecodeQ4KOrQ5K<false>(x, blocks, out);
    case GgmlBlocks::kQ5_K:
      return DecodeQ4KOrQ5K<true>(x, blocks, out);
    case GgmlBlocks::kQ6_K:
      return DecodeQ6K(x, blocks, out);
    case GgmlBlocks::kIq4Xs:
      return DecodeIq4Xs(x, blocks, out);
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {

HWY_EXPORT(DecodeGgml);

void decode_ggml_blocks(GgmlBlocks type, const std::uint8_t* x, std::int64_t blocks, float* out) {
  HWY_DYNAMIC_DISPATCH(DecodeGgml)(type, x, blocks, out);
}

}  // namespace lq::backends
#endif
