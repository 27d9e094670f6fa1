// Pieces that the NormalFloat kernels share, compiled once per SIMD target: the search for a code, the value
// of a code, packing and unpacking of groups of 64 codes, first-level scales.
#if defined(LQ_KERNELS_CPU_NF_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LQ_KERNELS_CPU_NF_SIMD_INL_H_
#undef LQ_KERNELS_CPU_NF_SIMD_INL_H_
#else
#define LQ_KERNELS_CPU_NF_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>
#include <limits>

#include "backends/nf_view.h"
#include "base/float16.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes: then a vector never spans two blocks.
using DF = hn::CappedTag<float, 16>;
using DI = hn::RebindToSigned<DF>;
using VF = hn::Vec<DF>;
using VI = hn::Vec<DI>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(DF()));
static_assert(kLanes == 4 || kLanes == 8 || kLanes == 16);

constexpr float kFloatMax = std::numeric_limits<float>::max();
constexpr float kFloatInf = std::numeric_limits<float>::infinity();

// Values of codes by look-up in registers, or in memory where the registers are too few or too short.
template <int kBits>
class ValueTable {
 public:
  explicit ValueTable(const float* values) : values_(values) {
    if constexpr (kInRegisters) {
      alignas(64) float padded[16] = {};
      std::memcpy(padded, values, (1 << kBits) * sizeof(float));
      low_ = hn::Load(DF(), padded);
      high_ = hn::Load(DF(), padded + (kLanes == 8 ? 8 : 0));
    }
  }

  // REQUIRES: 0 <= code < 2^kBits.
  HWY_INLINE VF operator()(VI code) const {
    const DF d;
    const DI di;
    if constexpr (!kInRegisters) {
      return hn::GatherIndex(d, values_, code);
    } else if constexpr (kBits == 4 && kLanes == 8) {
      const auto index = hn::IndicesFromVec(d, hn::And(code, hn::Set(di, 7)));
      const VF is_high = hn::BitCast(d, hn::ShiftLeft<28>(code));  // bit 3 to the sign
      return hn::IfNegativeThenElse(is_high, hn::TableLookupLanes(high_, index),
                                    hn::TableLookupLanes(low_, index));
    } else {
      return hn::TableLookupLanes(low_, hn::IndicesFromVec(d, code));
    }
  }

 private:
  static constexpr bool kInRegisters = kBits <= 4 && kLanes >= 8;
  const float* values_;
  VF low_ = hn::Zero(DF());
  VF high_ = hn::Zero(DF());
};

// The number of midpoints below x. Up to 4 bits: a binary search whose thresholds lie in registers. Otherwise
// the cell of x holds one midpoint at most, and says how many lie in the cells below.
template <int kBits>
class CodeSearch {
 public:
  explicit CodeSearch(const NfCodebook& book) : book_(&book) {
    if constexpr (kInRegisters) {
      constexpr int kHalf = 1 << (kBits - 1);
      const float* m = book.midpoints;
      first_ = hn::Set(DF(), m[kHalf - 1]);
      second_low_ = hn::Set(DF(), m[kHalf / 2 - 1]);
      second_high_ = hn::Set(DF(), m[kHalf + kHalf / 2 - 1]);
      if constexpr (kBits >= 3) third_ = table(m, kHalf / 4);
      if constexpr (kBits >= 4) fourth_ = table(m, kHalf / 8);
    }
  }

  HWY_INLINE VI operator()(VF x) const {
    const DF d;
    const DI di;
    if constexpr (kInRegisters) {
      const auto above_first = hn::Gt(x, first_);
      VI code = hn::Neg(as_int(above_first));
      code = descend(code, x, hn::IfThenElse(above_first, second_high_, second_low_));
      if constexpr (kBits >= 3) {
        code = descend(code, x, hn::TableLookupLanes(third_, hn::IndicesFromVec(d, code)));
      }
      if constexpr (kBits >= 4) {
        code = descend(code, x, hn::TableLookupLanes(fourth_, hn::IndicesFromVec(d, code)));
      }
      return code;
    } else {
      const VI cell = cell_of(x);
      // One 64-bit load brings both halves of an entry.
      const hn::RebindToUnsigned<DF> du;
      const hn::Repartition<std::uint64_t, DF> du64;
      const hn::Repartition<std::int64_t, DF> di64;
      const hn::Half<DI> half;
      const auto first = hn::GatherIndex(du64, book_->cells, hn::PromoteTo(di64, hn::LowerHalf(half, cell)));
      const auto second = hn::GatherIndex(du64, book_->cells, hn::PromoteTo(di64, hn::UpperHalf(half, cell)));
      const auto low = hn::BitCast(du, first);
      const auto high = hn::BitCast(du, second);
      const VF midpoint = hn::BitCast(d, hn::ConcatEven(du, high, low));
      const VI base = hn::BitCast(di, hn::ConcatOdd(du, high, low));
      return hn::Sub(base, as_int(hn::Gt(x, midpoint)));
    }
  }

#if HWY_MAX_BYTES == 32
  // The value nearest to each x: what ValueTable makes of the codes. One load a lane brings all that it
  // takes.
  HWY_INLINE VF nearest(VF x) const {
    const DF d;
    const hn::FixedTag<float, 4> d4;
    const hn::Repartition<std::uint64_t, DF> d64;
    alignas(64) std::int32_t at[kLanes];
    hn::Store(cell_of(x), DI(), at);
    const auto two = [&](int i) HWY_ATTR {  // entries of lanes i and i + 4
      return hn::Combine(d, hn::LoadU(d4, book_->nearest[at[i + 4]]), hn::LoadU(d4, book_->nearest[at[i]]));
    };
    const VF e0 = two(0), e1 = two(1), e2 = two(2), e3 = two(3);
    const auto front01 =
        hn::BitCast(d64, hn::InterleaveLower(d, e0, e1));  // midpoints, then values up to them
    const auto front23 = hn::BitCast(d64, hn::InterleaveLower(d, e2, e3));
    const auto back01 = hn::BitCast(d64, hn::InterleaveUpper(d, e0, e1));
    const auto back23 = hn::BitCast(d64, hn::InterleaveUpper(d, e2, e3));
    const VF midpoint = hn::BitCast(d, hn::InterleaveLower(d64, front01, front23));
    const VF low = hn::BitCast(d, hn::InterleaveUpper(d64, front01, front23));
    const VF high = hn::BitCast(d, hn::InterleaveLower(d64, back01, back23));
    return hn::IfThenElse(hn::Gt(x, midpoint), high, low);
  }
#endif

 private:
  static constexpr bool kInRegisters = kBits <= 4 && kLanes >= 8;

  static HWY_INLINE VI cell_of(VF x) {
    const DF d;
    const DI di;
    const VI cell = hn::ConvertTo(di, hn::Add(hn::Mul(x, hn::Set(d, 512.0F)), hn::Set(d, 520.0F)));
    return hn::Min(hn::Max(cell, hn::Zero(di)), hn::Set(di, kNfCells - 1));
  }
  template <typename Mask>
  static HWY_INLINE VI as_int(Mask mask) {  // -1 where true
    return hn::VecFromMask(DI(), hn::RebindMask(DI(), mask));
  }
  static HWY_INLINE VI descend(VI code, VF x, VF threshold) {
    return hn::Sub(hn::Add(code, code), as_int(hn::Gt(x, threshold)));
  }
  // The thresholds of one level: every (2 * half)-th midpoint from half - 1 on.
  static VF table(const float* midpoints, int half) {
    alignas(64) float level[16] = {};
    for (int k = 0; (2 * k + 1) * half < (1 << kBits); ++k) level[k] = midpoints[(2 * k + 1) * half - 1];
    return hn::Load(DF(), level);
  }

  const NfCodebook* book_;
  VF first_ = hn::Zero(DF());
  VF second_low_ = hn::Zero(DF());
  VF second_high_ = hn::Zero(DF());
  VF third_ = hn::Zero(DF());
  VF fourth_ = hn::Zero(DF());
};

HWY_INLINE void store_bytes(VI v, std::uint8_t* to) {
  const hn::Rebind<std::uint8_t, DF> d8;
  hn::StoreU(hn::U8FromU32(hn::BitCast(hn::RebindToUnsigned<DF>(), v)), d8, to);
}

HWY_INLINE VI load_bytes(const std::uint8_t* from) {
  const hn::Rebind<std::uint8_t, DF> d8;
  return hn::PromoteTo(DI(), hn::LoadU(d8, from));
}

// out[8 * kBits] = the packed group whose codes of elements e .. e + kLanes are code_at(e).
template <int kBits, typename CodeAt>
HWY_INLINE void pack_group(const CodeAt& code_at, std::uint8_t* out) {
  const DI di;
  if constexpr (kBits == 8) {
    for (int i = 0; i < 64; i += kLanes) store_bytes(code_at(i), out + i);
  } else if constexpr (kBits == 4) {
    for (int i = 0; i < 32; i += kLanes) {
      const VI low = code_at(i);
      store_bytes(hn::Or(low, hn::ShiftLeft<4>(code_at(i + 32))), out + i);
    }
  } else if constexpr (kBits > 4) {
    // The low four bits as codes of 4 bits, the rest as codes of their own.
    alignas(64) std::int32_t codes[64];
    for (int i = 0; i < 64; i += kLanes) hn::Store(code_at(i), di, codes + i);
    const auto low = [&](int e) HWY_ATTR { return hn::And(hn::Load(di, codes + e), hn::Set(di, 15)); };
    const auto high = [&](int e) HWY_ATTR { return hn::ShiftRight<4>(hn::Load(di, codes + e)); };
    pack_group<4>(low, out);
    if constexpr (kBits == 5) {
      std::uint64_t top = 0;
      for (int i = 0; i < 64; i += kLanes) {
        std::uint64_t bits = 0;
        hn::StoreMaskBits(di, hn::TestBit(high(i), hn::Set(di, 1)), reinterpret_cast<std::uint8_t*>(&bits));
        top |= bits << i;
      }
      std::memcpy(out + 32, &top, 8);
    } else {
      pack_group<2>(high, out + 32);
    }
  } else {
    std::uint64_t top = 0;
    const auto low_bits = [&](int e) HWY_ATTR {
      const VI code = code_at(e);
      if constexpr (kBits == 2) return code;
      std::uint64_t bits = 0;
      hn::StoreMaskBits(di, hn::TestBit(code, hn::Set(di, 4)), reinterpret_cast<std::uint8_t*>(&bits));
      top |= bits << e;
      return hn::And(code, hn::Set(di, 3));
    };
    for (int i = 0; i < 16; i += kLanes) {
      VI byte = low_bits(i);
      byte = hn::Or(byte, hn::ShiftLeft<2>(low_bits(i + 16)));
      byte = hn::Or(byte, hn::ShiftLeft<4>(low_bits(i + 32)));
      byte = hn::Or(byte, hn::ShiftLeft<6>(low_bits(i + 48)));
      store_bytes(byte, out + i);
    }
    if constexpr (kBits == 3) std::memcpy(out + 16, &top, 8);
  }
}

// Calls use(e, codes of elements e .. e + kLanes) for the whole packed group.
template <int kBits, typename Use>
HWY_INLINE void unpack_group(const std::uint8_t* in, const Use& use) {
  const DI di;
  if constexpr (kBits == 8) {
    for (int i = 0; i < 64; i += kLanes) use(i, load_bytes(in + i));
  } else if constexpr (kBits == 4) {
    for (int i = 0; i < 32; i += kLanes) {
      const VI byte = load_bytes(in + i);
      use(i, hn::And(byte, hn::Set(di, 15)));
      use(i + 32, hn::ShiftRight<4>(byte));
    }
  } else if constexpr (kBits == 5) {
    std::uint64_t top = 0;
    std::memcpy(&top, in + 32, 8);
    const VI lane_bit = hn::Shl(hn::Set(di, 1), hn::Iota(di, 0));
    unpack_group<4>(in, [&](int e, VI low) HWY_ATTR {
      const auto is_top = hn::TestBit(hn::Set(di, static_cast<std::int32_t>(top >> e & 0xffffU)), lane_bit);
      use(e, hn::Or(low, hn::IfThenElseZero(is_top, hn::Set(di, 16))));
    });
  } else if constexpr (kBits == 6) {
    unpack_group<4>(in, [&](int e, VI low) HWY_ATTR {
      const VI bytes = load_bytes(in + 32 + e % 16);
      const VI high = hn::And(hn::ShiftRightSame(bytes, e / 16 * 2), hn::Set(di, 3));
      use(e, hn::Or(low, hn::ShiftLeft<4>(high)));
    });
  } else {
    std::uint64_t top = 0;
    if constexpr (kBits == 3) std::memcpy(&top, in + 16, 8);
    const VI lane_bit = hn::Shl(hn::Set(di, 1), hn::Iota(di, 0));
    const auto with_top = [&](VI low, int e) HWY_ATTR {
      if constexpr (kBits == 2) return low;
      const auto is_top = hn::TestBit(hn::Set(di, static_cast<std::int32_t>(top >> e & 0xffffU)), lane_bit);
      return hn::Or(low, hn::IfThenElseZero(is_top, hn::Set(di, 4)));
    };
    const VI three = hn::Set(di, 3);
    for (int i = 0; i < 16; i += kLanes) {
      const VI byte = load_bytes(in + i);
      use(i, with_top(hn::And(byte, three), i));
      use(i + 16, with_top(hn::And(hn::ShiftRight<2>(byte), three), i + 16));
      use(i + 32, with_top(hn::And(hn::ShiftRight<4>(byte), three), i + 32));
      use(i + 48, with_top(hn::ShiftRight<6>(byte), i + 48));
    }
  }
}

HWY_INLINE float load_scale2(const void* scales2, std::int64_t index, ScaleDType type) {
  if (type == ScaleDType::kFp32) {
    float value;
    std::memcpy(&value, static_cast<const std::uint8_t*>(scales2) + 4 * index, 4);
    return value;
  }
  std::uint16_t bits;
  std::memcpy(&bits, static_cast<const std::uint8_t*>(scales2) + 2 * index, 2);
  return type == ScaleDType::kBf16 ? to_float(bf16{bits}) : to_float(f16{bits});
}

// s' = min(offset + u * step, largest finite), u the first-level code.
HWY_INLINE VF restore_scale(VI u, VF step, VF offset) {
  const DF d;
  const VF product = hn::Mul(hn::ConvertTo(d, u), step);
  return hn::Min(hn::Add(offset, product), hn::Set(d, kFloatMax));
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LQ_KERNELS_CPU_NF_SIMD_INL_H_
