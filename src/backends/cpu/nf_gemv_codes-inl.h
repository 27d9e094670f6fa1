// Packed codes of 64 elements as indices for byte shuffles, for products straight from the codes; once per
// SIMD target.
#if defined(LQ_KERNELS_CPU_NF_GEMV_CODES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LQ_KERNELS_CPU_NF_GEMV_CODES_INL_H_
#undef LQ_KERNELS_CPU_NF_GEMV_CODES_INL_H_
#else
#define LQ_KERNELS_CPU_NF_GEMV_CODES_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include <hwy/highway.h>

#if HWY_CAP_GE256

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D8 = hn::FixedTag<std::uint8_t, 32>;
using D16 = hn::FixedTag<std::int16_t, 16>;
using D32 = hn::FixedTag<std::int32_t, 8>;
using F8 = hn::FixedTag<float, 8>;
using V8 = hn::Vec<D8>;
using V16 = hn::Vec<D16>;
using V32 = hn::Vec<D32>;
using VF8 = hn::Vec<F8>;

// One 64-bit word in the first 16 bytes, another in the rest.
HWY_INLINE V8 Words2(std::uint64_t first, std::uint64_t second) {
  alignas(32) const std::uint64_t words[4] = {first, first, second, second};
  return hn::BitCast(D8(), hn::Load(hn::FixedTag<std::uint64_t, 4>(), words));
}

// Every byte b.
constexpr std::uint64_t Bytes(std::uint8_t b) { return b * 0x0101010101010101ULL; }

// Table indices of elements 0-31 and 32-63 of a packed group; `table_index` says which index has a code.
template <int kBits>
struct Indices {
  V8 first, second;

  HWY_INLINE explicit Indices(const std::uint8_t* group) {
    const D8 d8;
    const auto down4 = [&](V8 v) HWY_ATTR {
      return hn::BitCast(d8, hn::ShiftRight<4>(hn::BitCast(hn::RebindToUnsigned<D16>(), v)));
    };
    if constexpr (kBits == 4) {
      const V8 nibble = hn::Set(d8, 15);
      const V8 v = hn::LoadU(d8, group);
      first = hn::And(v, nibble);
      second = hn::And(down4(v), nibble);
    } else if constexpr (kBits == 2) {
      const V8 mask = Words2(Bytes(3), Bytes(12));
      const V8 v = hn::LoadDup128(d8, group);
      first = hn::And(v, mask);
      second = hn::And(down4(v), mask);
    } else {
      // Four times the lower two bits in both lanes, and the top bit is added (its mask of -1 subtracted).
      const hn::FixedTag<std::uint64_t, 4> d64;
      alignas(32) const std::uint64_t up[4] = {2, 2, 0, 0};
      const V8 mask = hn::Set(d8, 12);
      const V8 v = hn::BitCast(d8, hn::Shl(hn::BitCast(d64, hn::LoadDup128(d8, group)), hn::Load(d64, up)));
      std::uint64_t top;
      std::memcpy(&top, group + 16, 8);
      const V8 bits = hn::BitCast(d8, hn::Set(d64, top));
      first = hn::Sub(hn::And(v, mask), TopMask(bits, 0));
      second = hn::Sub(hn::And(down4(v), mask), TopMask(bits, 4));
    }
  }

 private:
  // Of elements 8 * from ... + 31: -1 where the element's bit is set.
  static HWY_INLINE V8 TopMask(V8 bits, std::uint8_t from) {
    const D8 d8;
    const hn::FixedTag<std::uint64_t, 4> d64;
    const std::uint64_t at = Bytes(from);
    alignas(32) const std::uint64_t pick[4] = {at, at + Bytes(1), at + Bytes(2), at + Bytes(3)};
    const V8 bit = hn::BitCast(d8, hn::Set(d64, 0x8040201008040201ULL));
    const V8 spread = hn::TableLookupBytes(bits, hn::BitCast(d8, hn::Load(d64, pick)));
    return hn::VecFromMask(d8, hn::Eq(hn::And(spread, bit), bit));
  }
};

// Where a table for Indices has the value of `code`, in 128-bit lane 0 or 1.
template <int kBits>
constexpr int table_index(int code, int lane) {
  if (kBits == 3) return (code & 3) * 4 + (code >> 2);
  return kBits == 2 && lane == 1 ? code * 4 : code;
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_CAP_GE256

#endif  // LQ_KERNELS_CPU_NF_GEMV_CODES_INL_H_
