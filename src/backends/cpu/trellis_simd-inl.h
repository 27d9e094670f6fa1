// Values of a tile of a trellis code, sixteen columns of a row at a time; compiled once per SIMD target.
#if defined(LQ_BACKENDS_CPU_TRELLIS_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LQ_BACKENDS_CPU_TRELLIS_SIMD_INL_H_
#undef LQ_BACKENDS_CPU_TRELLIS_SIMD_INL_H_
#else
#define LQ_BACKENDS_CPU_TRELLIS_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <type_traits>

#include "backends/trellis_view.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Lanes are columns: all of a tile's, or half of them.
using TileD = hn::CappedTag<std::uint16_t, 16>;
using TileV = hn::Vec<TileD>;
constexpr int kTileLanes = static_cast<int>(hn::MaxLanes(TileD()));
constexpr int kTileParts = kTrellisSide / kTileLanes;
static_assert(kTileParts == 1 || kTileParts == 2);

// The words of one part of a tile: plane q in words[q], and after the last the next column's first.
template <int kBits>
struct TileWords {
  TileV words[kBits + 1];
};

template <int kBits>
HWY_INLINE void LoadTile(const std::uint8_t* tile, TileWords<kBits>* parts) {
  const TileD d;
  const hn::Repartition<std::uint8_t, TileD> d8;
  for (int p = 0; p < kTileParts; ++p) {
    for (int q = 0; q < kBits; ++q) {
      parts[p].words[q] = hn::BitCast(d, hn::LoadU(d8, tile + 2 * (kTrellisSide * q + kTileLanes * p)));
    }
  }
  for (int p = 0; p < kTileParts; ++p) {
    const TileV here = parts[p].words[0];
    if constexpr (kTileParts == 2) {
      parts[p].words[kBits] = hn::CombineShiftRightBytes<2>(d, parts[1 - p].words[0], here);
    } else {
      parts[p].words[kBits] = hn::CombineShiftRightBytes<2>(d, hn::ConcatLowerUpper(d, here, here), here);
    }
  }
}

// The states of row kRow.
template <int kBits, int kRow>
HWY_INLINE TileV RowStates(const TileWords<kBits>& tile, int state_bits, TileV mask) {
  constexpr int kWord = kBits * kRow / 16;
  constexpr int kShift = kBits * kRow % 16;
  TileV states = tile.words[kWord];
  if constexpr (kShift != 0) {
    states = hn::ShiftRight<kShift>(states);
    if (kShift + state_bits > 16) {
      states = hn::Or(states, hn::ShiftLeft<16 - kShift>(tile.words[kWord + 1]));
    }
  }
  return hn::And(states, mask);
}

HWY_INLINE TileV TileMask(int state_bits) {
  return hn::Set(TileD(), static_cast<std::uint16_t>((1U << state_bits) - 1U));
}

// Sums of the two bytes of each lane.
HWY_INLINE TileV LaneByteSums(TileV v) {
#if HWY_ARCH_X86 && HWY_CAP_GE256
  // Highway 1.0.3 has no name for this instruction.
  return TileV{_mm256_maddubs_epi16(v.raw, _mm256_set1_epi8(1))};
#elif HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128
  return TileV{_mm_maddubs_epi16(v.raw, _mm_set1_epi8(1))};
#else
  return hn::Add(hn::And(v, hn::Set(TileD(), std::uint16_t{0xff})), hn::ShiftRight<8>(v));
#endif
}

// Sums of the bytes of each state's hash: 0 to 1020.
HWY_INLINE TileV HashByteSums(TileV states) {
  const TileD d;
  const TileV low_half = hn::Set(d, static_cast<std::uint16_t>(kTrellisMultiplier & 0xffffU));
  const TileV high_half = hn::Set(d, static_cast<std::uint16_t>(kTrellisMultiplier >> 16));
  const TileV low = hn::Mul(states, low_half);
  const TileV high = hn::Add(hn::MulHigh(states, low_half), hn::Mul(states, high_half));
  return hn::Add(LaneByteSums(low), LaneByteSums(high));
}

// Calls use(row as a std::integral_constant) for the rows [kBegin, kEnd).
template <int kBegin, int kEnd, typename Use>
HWY_INLINE void ForTileRows(const Use& use) {
  if constexpr (kBegin < kEnd) {
    use(std::integral_constant<int, kBegin>());
    ForTileRows<kBegin + 1, kEnd>(use);
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LQ_BACKENDS_CPU_TRELLIS_SIMD_INL_H_
