// The CPU's side of PackedLayout::kTrellis: products with a few vectors, and its entry of the table.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "backends/cpu/packed_layouts.h"
#include "backends/cpu/transformer_gemv.h"
#include "backends/cpu/trellis_codec.h"
#include "backends/cpu/trellis_input.h"

// For a kernel of its own with AVX-512 VNNI.
#define HWY_WANT_AVX3_DL

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/trellis_gemv.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "backends/cpu/trellis_simd-inl.h"
#include "backends/cpu/trellis_vnni-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

#if HWY_CAP_GE256

using SumD = hn::Repartition<std::int32_t, TileD>;  // 8 lanes: a lane adds up two columns of each tile

// out[k] = the sum over v[k]'s lanes, for k < 8.
HWY_INLINE void SumAcross(const hn::Vec<SumD>* v, std::int32_t* out) {
  const SumD d;
#if HWY_ARCH_X86
  const auto add = [](__m256i a, __m256i b) HWY_ATTR { return _mm256_hadd_epi32(a, b); };
  const __m256i first = add(add(v[0].raw, v[1].raw), add(v[2].raw, v[3].raw));
  const __m256i second = add(add(v[4].raw, v[5].raw), add(v[6].raw, v[7].raw));
  const __m256i sums = _mm256_add_epi32(_mm256_permute2x128_si256(first, second, 0x20),
                                        _mm256_permute2x128_si256(first, second, 0x31));
  hn::StoreU(hn::Vec<SumD>{sums}, d, out);
#else
  for (int k = 0; k < 8; ++k) out[k] = hn::GetLane(hn::SumOfLanes(d, v[k]));
#endif
}

// The products with rows [kFirst, kFirst + kRows) of the tiles [begin, end) of a strip: out[vector][16 rows].
template <int kBits, int kFirst, int kRows, int kVectors>
HWY_INLINE void SumWords(const std::uint8_t* tiles, std::int64_t begin, std::int64_t end,
                         const TrellisInput& in, int state_bits, std::int32_t* out) {
  static_assert(kRows * kVectors == 8);
  const SumD d;
  const hn::RebindToSigned<TileD> di;
  const TileV mask = TileMask(state_bits);
  hn::Vec<SumD> sums[8];
  for (auto& sum : sums) sum = hn::Zero(d);
  for (std::int64_t tile = begin; tile < end; ++tile) {
    TileWords<kBits> words[1];
    LoadTile(tiles + tile * 32 * kBits, words);
    hn::Vec<decltype(di)> x[kVectors];
    for (int j = 0; j < kVectors; ++j) {
      x[j] = hn::Load(di, in.words + (j * in.tiles + tile) * kTrellisSide);
    }
    const auto add = [&](auto row) HWY_ATTR {
      constexpr int kRow = decltype(row)::value;
      const auto values = hn::BitCast(di, HashByteSums(RowStates<kBits, kRow>(words[0], state_bits, mask)));
      for (int j = 0; j < kVectors; ++j) {
        auto odd = hn::Zero(d);  // stays zero on x86
        auto& sum = sums[j * kRows + kRow - kFirst];
        sum = hn::ReorderWidenMulAccumulate(d, values, x[j], sum, odd);
#if !HWY_ARCH_X86
        sum = hn::Add(sum, odd);
#endif
      }
    };
    ForTileRows<kFirst, kFirst + kRows>(add);
  }
  alignas(32) std::int32_t rows[8];
  SumAcross(sums, rows);
  for (int k = 0; k < 8; ++k) out[k / kRows * kTrellisSide + kFirst + k % kRows] = rows[k];
}

// As many rows at a time as their sums fit the registers.
template <int kBits, int kFirst, int kVectors>
HWY_INLINE void SumRows(const std::uint8_t* tiles, std::int64_t begin, std::int64_t end,
                        const TrellisInput& in, int state_bits, std::int32_t* out) {
  if constexpr (kFirst < kTrellisSide) {
    constexpr int kRows = 8 / kVectors;
    SumWords<kBits, kFirst, kRows, kVectors>(tiles, begin, end, in, state_bits, out);
    SumRows<kBits, kFirst + kRows, kVectors>(tiles, begin, end, in, state_bits, out);
  }
}

#if HWY_TARGET == HWY_AVX3_DL
template <int kBits, int kFirst, int kVectors>
HWY_INLINE void SumRowsOfBytes(const std::uint8_t* tiles, std::int64_t begin, std::int64_t end,
                               const TrellisInput& in, int state_bits, std::int32_t* out) {
  if constexpr (kFirst < kTrellisSide) {
    constexpr int kRows = 16 / kVectors;
    SumBytes<kBits, kFirst, kRows, kVectors>(tiles, begin, end, in, state_bits, out);
    SumRowsOfBytes<kBits, kFirst + kRows, kVectors>(tiles, begin, end, in, state_bits, out);
  }
}
#endif

template <int kBits, int kVectors, TrellisInputForm kForm>
void MultiplyStripOf(const PackedView& w, const TrellisInput& in, std::int64_t strip, const float* scales,
                     float* y) {
  const hn::CappedTag<float, kTrellisSide> df;
  const hn::RebindToSigned<decltype(df)> di;
  const TrellisView& v = w.trellis;
  const std::uint8_t* const tiles = v.codes + strip * in.tiles * 32 * kBits;
  alignas(64) float totals[kVectors][kTrellisSide] = {};
  const std::int64_t per_block = v.block / kTrellisSide;
  for (std::int64_t block = 0; block < in.blocks; ++block) {
    alignas(64) std::int32_t sums[kVectors * kTrellisSide];
    const std::int64_t begin = block * per_block;
    const std::int64_t end = std::min(in.tiles, begin + per_block);
#if HWY_TARGET == HWY_AVX3_DL
    if constexpr (kForm == TrellisInputForm::kBytes) {
      SumRowsOfBytes<kBits, 0, kVectors>(tiles, begin, end, in, v.state_bits, sums);
    }
#endif
    if constexpr (kForm == TrellisInputForm::kWords) {
      SumRows<kBits, 0, kVectors>(tiles, begin, end, in, v.state_bits, sums);
    }
    for (int j = 0; j < kVectors; ++j) {
      const auto centre = hn::Set(di, in.centre[j * in.blocks + block]);
      const auto step = hn::Set(df, in.step[j * in.blocks + block]);
      for (int row = 0; row < kTrellisSide; row += static_cast<int>(hn::MaxLanes(df))) {
        const auto sum = hn::ConvertTo(df, hn::Add(hn::Load(di, sums + j * kTrellisSide + row), centre));
        const auto scale = hn::Mul(step, hn::LoadU(df, scales + block * kTrellisSide + row));
        hn::Store(hn::Add(hn::Load(df, totals[j] + row), hn::Mul(sum, scale)), df, totals[j] + row);
      }
    }
  }
  const std::int64_t first = strip * kTrellisSide;
  const std::int64_t rows = std::min<std::int64_t>(kTrellisSide, w.rows - first);
  for (int j = 0; j < in.count; ++j) std::copy_n(totals[j], rows, y + j * w.rows + first);
}

template <int kBits, TrellisInputForm kForm>
void MultiplyStripIn(const PackedView& w, const TrellisInput& in, std::int64_t strip, const float* scales,
                     float* y) {
  if (in.vectors == 1) {
    MultiplyStripOf<kBits, 1, kForm>(w, in, strip, scales, y);
  } else {
    MultiplyStripOf<kBits, 4, kForm>(w, in, strip, scales, y);
  }
}

template <int kBits>
void MultiplyStripBits(const PackedView& w, const TrellisInput& in, std::int64_t strip, const float* scales,
                       float* y) {
#if HWY_TARGET == HWY_AVX3_DL
  if (in.bytes != nullptr) {
    MultiplyStripIn<kBits, TrellisInputForm::kBytes>(w, in, strip, scales, y);
    return;
  }
#endif
  MultiplyStripIn<kBits, TrellisInputForm::kWords>(w, in, strip, scales, y);
}

TrellisInputForm InputForm(bool coarse) {
  return coarse && HWY_TARGET == HWY_AVX3_DL ? TrellisInputForm::kBytes : TrellisInputForm::kWords;
}

void MultiplyStrip(const PackedView& w, const TrellisInput& in, std::int64_t strip, const float* scales,
                   float* y) {
  switch (w.trellis.bits) {
    case 2:
      MultiplyStripBits<2>(w, in, strip, scales, y);
      break;
    case 3:
      MultiplyStripBits<3>(w, in, strip, scales, y);
      break;
    default:
      MultiplyStripBits<4>(w, in, strip, scales, y);
  }
}

#else

TrellisInputForm InputForm(bool) { return TrellisInputForm::kNone; }

void MultiplyStrip(const PackedView&, const TrellisInput&, std::int64_t, const float*, float*) {}

#endif

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
namespace {

HWY_EXPORT(InputForm);
HWY_EXPORT(MultiplyStrip);

TrellisInputForm input_form(bool coarse) { return HWY_DYNAMIC_DISPATCH(InputForm)(coarse); }

// Strips for one job: some 32 KiB of codes, so that no thread waits long for the last one.
std::int64_t strip_grain(const PackedView& w) {
  return std::max<std::int64_t>(1, 32768 * 8 / (kTrellisSide * w.cols * w.trellis.bits));
}

}  // namespace

std::int64_t trellis_few_scratch(const PackedView& w, std::int64_t count) {
  return input_form(false) == TrellisInputForm::kNone ? 0 : trellis_input_scratch(w, count);
}

void trellis_few(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t count, float* y,
                 float* scratch, bool coarse) {
  const std::int64_t strips = (w.rows + kTrellisSide - 1) / kTrellisSide;
  const TrellisInputForm form = input_form(coarse);
  if (form != TrellisInputForm::kNone) {
    const TrellisInput in = trellis_round_input(w, x, count, form, scratch);
    parallel_for(pool, strips, strip_grain(w), [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> scales(static_cast<std::size_t>(trellis_strip_scales_size(w)));
      for (std::int64_t strip = begin; strip < end; ++strip) {
        trellis_strip_scales(w, strip * kTrellisSide, scales.data());
        HWY_DYNAMIC_DISPATCH(MultiplyStrip)(w, in, strip, scales.data(), y);
      }
    });
    return;
  }
  parallel_for(pool, strips, 1, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t first = begin * kTrellisSide;
    const std::int64_t rows = std::min(w.rows, end * kTrellisSide) - first;
    std::vector<float> values(static_cast<std::size_t>(rows * w.cols));
    std::vector<float> part(static_cast<std::size_t>(rows * count));
    trellis_decode(w, first * w.cols, rows * w.cols, values.data());
    dense_gemv(pool, DenseType::kF32, values.data(), rows, w.cols, x, count, part.data());
    for (std::int64_t j = 0; j < count; ++j)
      std::copy_n(&part[static_cast<std::size_t>(j * rows)], rows, y + j * w.rows + first);
  });
}

namespace {

void decode_run_of_trellis(const PackedView& w, std::int64_t begin, std::int64_t count, float* out) {
  trellis_decode(w, begin, count, out);
}

void decode_all_of_trellis(ThreadPool& pool, const PackedView& w, float* out) {
  trellis_decode(pool, w, out);
}

}  // namespace

const PackedLayoutOps kTrellisOps = {decode_run_of_trellis, decode_all_of_trellis, trellis_few,
                                     trellis_few_scratch};

}  // namespace lq::backends
#endif
