// Products of a strip of trellis tiles by the instruction that adds up four products of bytes (AVX-512 VNNI):
// a state's hash is four bytes whose sum is its value, so that one instruction multiplies and adds it. The
// same sums as those of trellis_gemv.cc's other kernel, bit for bit. Only for HWY_AVX3_DL.
#if defined(LQ_BACKENDS_CPU_TRELLIS_VNNI_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LQ_BACKENDS_CPU_TRELLIS_VNNI_INL_H_
#undef LQ_BACKENDS_CPU_TRELLIS_VNNI_INL_H_
#else
#define LQ_BACKENDS_CPU_TRELLIS_VNNI_INL_H_
#endif

#include <hwy/highway.h>

#include <array>
#include <cstdint>

#include "backends/cpu/trellis_input.h"
#include "backends/cpu/trellis_simd-inl.h"

#if HWY_TARGET == HWY_AVX3_DL

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

// sum + the four products of the bytes of each lane, a unsigned, b signed. Written out because the attributes
// that Highway 1.0.3 gives this target name AVX-VNNI, where the target is AVX-512 VNNI.
HWY_INLINE __m512i AddByteProducts(__m512i sum, __m512i a, __m512i b) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  return sum;
}

// Where, among a tile's 16-bit words, lane `column` finds its word of plane `plane` and, above it, the word
// after.
template <int kBits>
constexpr std::array<std::uint16_t, 32> pair_places(int plane) {
  std::array<std::uint16_t, 32> places{};
  for (int column = 0; column < kTrellisSide; ++column) {
    const int after = plane + 1 < kBits ? kTrellisSide * (plane + 1) + column : (column + 1) % kTrellisSide;
    places[static_cast<std::size_t>(2 * column)] = static_cast<std::uint16_t>(kTrellisSide * plane + column);
    places[static_cast<std::size_t>(2 * column + 1)] = static_cast<std::uint16_t>(after);
  }
  return places;
}

// 32 bits of each column from word kPlane on.
template <int kBits, int kPlane>
HWY_INLINE __m512i ColumnPairs(const std::uint8_t* tile) {
  alignas(64) static constexpr std::array<std::uint16_t, 32> kPlaces = pair_places<kBits>(kPlane);
  const __m512i places = _mm512_load_si512(kPlaces.data());
  const __m512i first = _mm512_loadu_si512(tile);
  if constexpr (kBits == 2) {
    return _mm512_permutexvar_epi16(places, first);
  } else if constexpr (kBits == 3) {
    const __m256i rest = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tile + 64));
    return _mm512_permutex2var_epi16(first, places, _mm512_castsi256_si512(rest));
  } else {
    return _mm512_permutex2var_epi16(first, places, _mm512_loadu_si512(tile + 64));
  }
}

template <int kBits, int kPlane>
HWY_INLINE void LoadPairs(const std::uint8_t* tile, __m512i* pairs) {
  if constexpr (kPlane < kBits) {
    pairs[kPlane] = ColumnPairs<kBits, kPlane>(tile);
    LoadPairs<kBits, kPlane + 1>(tile, pairs);
  }
}

// The hashes of row kRow's states.
template <int kBits, int kRow>
HWY_INLINE __m512i RowHashes(const __m512i* pairs, __m512i mask, __m512i multiplier) {
  constexpr int kShift = kBits * kRow % 16;
  __m512i states = pairs[kBits * kRow / 16];
  if constexpr (kShift != 0) states = _mm512_srli_epi32(states, kShift);
  return _mm512_mullo_epi32(_mm512_and_si512(states, mask), multiplier);
}

// lanes[k] = the sum over v[k]'s lanes.
HWY_INLINE __m512i SumAcross(const __m512i* v) {
  const auto lanes = [](__m512i a, __m512i b) HWY_ATTR {
    return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  };
  const auto pairs = [](__m512i a, __m512i b) HWY_ATTR {
    return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
  };
  const auto quarters = [](__m512i a, __m512i b) HWY_ATTR {
    return _mm512_add_epi32(_mm512_shuffle_i64x2(a, b, 0x88), _mm512_shuffle_i64x2(a, b, 0xdd));
  };
  __m512i fours[4];
  for (int k = 0; k < 4; ++k)
    fours[k] = pairs(lanes(v[4 * k], v[4 * k + 1]), lanes(v[4 * k + 2], v[4 * k + 3]));
  return quarters(quarters(fours[0], fours[1]), quarters(fours[2], fours[3]));
}

// The products with rows [kFirst, kFirst + kRows) of the tiles [begin, end) of a strip: out[vector][16 rows].
template <int kBits, int kFirst, int kRows, int kVectors>
HWY_INLINE void SumBytes(const std::uint8_t* tiles, std::int64_t begin, std::int64_t end,
                         const TrellisInput& in, int state_bits, std::int32_t* out) {
  static_assert(kRows * kVectors == 16);
  const __m512i mask = _mm512_set1_epi32((1 << state_bits) - 1);
  const __m512i multiplier = _mm512_set1_epi32(static_cast<int>(kTrellisMultiplier));
  __m512i sums[16];  // [vectors][rows]
  for (auto& sum : sums) sum = _mm512_setzero_si512();
  for (std::int64_t tile = begin; tile < end; ++tile) {
    __m512i pairs[kBits];
    LoadPairs<kBits, 0>(tiles + tile * 32 * kBits, pairs);
    __m512i x[kVectors];
    for (int j = 0; j < kVectors; ++j) x[j] = _mm512_loadu_si512(in.bytes + (j * in.tiles + tile) * 64);
    const auto add = [&](auto row) HWY_ATTR {
      constexpr int kRow = decltype(row)::value;
      const __m512i hashes = RowHashes<kBits, kRow>(pairs, mask, multiplier);
      for (int j = 0; j < kVectors; ++j) {
        __m512i& sum = sums[j * kRows + kRow - kFirst];
        sum = AddByteProducts(sum, hashes, x[j]);
      }
    };
    ForTileRows<kFirst, kFirst + kRows>(add);
  }
  alignas(64) std::int32_t rows[16];
  _mm512_store_si512(rows, SumAcross(sums));
  for (int k = 0; k < 16; ++k) out[k / kRows * kTrellisSide + kFirst + k % kRows] = rows[k];
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET == HWY_AVX3_DL

#endif  // LQ_BACKENDS_CPU_TRELLIS_VNNI_INL_H_
