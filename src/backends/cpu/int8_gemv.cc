#include "backends/cpu/int8_gemv.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/int8_gemv.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that it is compiled for every target.
#include "backends/cpu/nf_gemv_codes-inl.h"
#include "backends/cpu/nf_gemv_scales-inl.h"
#include "backends/cpu/round_group-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

void FastRound(const NfView& view, int levels, const float* x, std::int8_t* to, float* step, float* sum) {
  constexpr int kInOrder[4] = {0, 8, 16, 24};
  const std::int64_t block = view.format.block;
  for (std::int64_t g = 0; g < view.cols / kNfGroup; ++g) {
    const float worth = RoundGroup(x + g * kNfGroup, static_cast<float>(levels), kInOrder, to + g * kNfGroup);
    for (std::int64_t b = g * kNfGroup / block; b < (g + 1) * kNfGroup / block; ++b) {
      int total = 0;
      for (std::int64_t e = b * block; e < (b + 1) * block; ++e) total += to[e];
      step[b] = worth;
      sum[b] = worth * static_cast<float>(total);
    }
  }
}

#if HWY_CAP_GE256 && HWY_ARCH_X86

// Sums of four neighbouring products. Highway 1.0.3 has no name for the first instruction.
HWY_INLINE V32 Dot4(V8 values, const std::int8_t* x) {
  const D16 d16;
  const auto of_x = hn::Load(hn::FixedTag<std::int8_t, 32>(), x);
  const V16 pairs{_mm256_maddubs_epi16(values.raw, of_x.raw)};
  V32 odd = hn::Zero(D32());  // stays zero on x86
  return hn::ReorderWidenMulAccumulate(D32(), pairs, hn::Set(d16, 1), hn::Zero(D32()), odd);
}

// The group's products, scaled, into sum.
template <int kBits, int kBlock>
HWY_INLINE void FastGroup(V8 table, const std::uint8_t* codes, const std::int8_t* x, const float* s,
                          VF8& sum) {
  const F8 f8;
  const D8 d8;
  const Indices<kBits> index(codes);
  const V32 part0 = Dot4(hn::TableLookupBytes(table, index.first), x);
  const V32 part1 = Dot4(hn::TableLookupBytes(table, index.second), x + 32);
  if constexpr (kBlock == 64) {
    sum = hn::MulAdd(hn::ConvertTo(f8, hn::Add(part0, part1)), hn::Set(f8, s[0]), sum);
  } else if constexpr (kBlock == 32) {
    sum = hn::MulAdd(hn::ConvertTo(f8, part0), hn::Set(f8, s[0]), sum);
    sum = hn::MulAdd(hn::ConvertTo(f8, part1), hn::Set(f8, s[1]), sum);
  } else {
    const VF8 scale0 = hn::ConcatLowerLower(f8, hn::Set(f8, s[1]), hn::Set(f8, s[0]));
    const VF8 scale1 = hn::ConcatLowerLower(f8, hn::Set(f8, s[3]), hn::Set(f8, s[2]));
    sum = hn::MulAdd(hn::ConvertTo(f8, part0), scale0, sum);
    sum = hn::MulAdd(hn::ConvertTo(f8, part1), scale1, sum);
  }
}

template <int kBits, int kBlock>
void FastRows(const NfView& view, const NfGemvLevels& levels, const Int8GemvInput& in, std::int64_t begin,
              std::int64_t end, float* HWY_RESTRICT scales, float* y) {
  const F8 f8;
  constexpr int kPerGroup = kNfGroup / kBlock;
  alignas(32) std::uint8_t at_index[32] = {};
  for (int lane = 0; lane < 2; ++lane) {
    for (int c = 0; c < 1 << kBits; ++c) at_index[16 * lane + table_index<kBits>(c, lane)] = levels.levels[c];
  }
  const V8 table = hn::Load(D8(), at_index);
  const std::int64_t groups = view.cols / kNfGroup;
  const std::int64_t blocks = groups * kPerGroup;
  for (std::int64_t i = begin; i < end; ++i, scales += blocks) {
    // y = sum over blocks of scale * (low * sum of x + step * sum of level * x).
    VF8 lows = hn::Zero(f8);
    std::int64_t b = 0;
    for (; b + 8 <= blocks; b += 8) {
      const VF8 scale = hn::LoadU(f8, scales + b);
      lows = hn::MulAdd(scale, hn::LoadU(f8, in.sum + b), lows);
      hn::StoreU(hn::Mul(scale, hn::LoadU(f8, in.step + b)), f8, scales + b);
    }
    float rest = 0.0F;
    for (; b < blocks; ++b) {
      rest += scales[b] * in.sum[b];
      scales[b] *= in.step[b];
    }
    const std::uint8_t* codes = view.codes + i * groups * 8 * kBits;
    VF8 even = hn::Zero(f8);
    VF8 odd = hn::Zero(f8);
    std::int64_t g = 0;
    for (; g + 2 <= groups; g += 2) {
      const std::uint8_t* at = codes + g * 8 * kBits;
      hwy::Prefetch(at + 2048);
      FastGroup<kBits, kBlock>(table, at, in.x + g * kNfGroup, scales + g * kPerGroup, even);
      FastGroup<kBits, kBlock>(table, at + 8 * kBits, in.x + (g + 1) * kNfGroup, scales + (g + 1) * kPerGroup,
                               odd);
    }
    if (g < groups) {
      FastGroup<kBits, kBlock>(table, codes + g * 8 * kBits, in.x + g * kNfGroup, scales + g * kPerGroup,
                               even);
    }
    const VF8 all =
        hn::MulAdd(hn::Add(even, odd), hn::Set(f8, levels.step), hn::Mul(lows, hn::Set(f8, levels.low)));
    y[i] = hn::GetLane(hn::SumOfLanes(f8, all)) + levels.low * rest;
  }
}

template <int kBits>
void FastBlocks(const NfView& view, const NfGemvLevels& levels, const Int8GemvInput& in, std::int64_t begin,
                std::int64_t end, float* scales, float* y) {
  switch (view.format.block) {
    case 16:
      return FastRows<kBits, 16>(view, levels, in, begin, end, scales, y);
    case 32:
      return FastRows<kBits, 32>(view, levels, in, begin, end, scales, y);
    default:
      return FastRows<kBits, 64>(view, levels, in, begin, end, scales, y);
  }
}

bool FastHas() { return true; }

void FastProduct(const NfView& view, const NfGemvLevels& levels, const Int8GemvInput& in, std::int64_t begin,
                 std::int64_t end, float* y) {
  RestoredScales scales(view, begin, end);
  switch (view.format.bits) {
    case 2:
      return FastBlocks<2>(view, levels, in, begin, end, scales.of_begin(), y);
    case 3:
      return FastBlocks<3>(view, levels, in, begin, end, scales.of_begin(), y);
    default:
      return FastBlocks<4>(view, levels, in, begin, end, scales.of_begin(), y);
  }
}

#else

bool FastHas() { return false; }

void FastProduct(const NfView&, const NfGemvLevels&, const Int8GemvInput&, std::int64_t, std::int64_t,
                 float*) {}

#endif

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
HWY_EXPORT(FastHas);
HWY_EXPORT(FastRound);
HWY_EXPORT(FastProduct);

NfGemvLevels nf_gemv_levels(const float* codebook, int bits) {
  const int codes = 1 << bits;
  const float low = codebook[0];
  const float span = codebook[codes - 1] - low;
  float square = 0.0F;
  for (int c = 0; c < codes; ++c) square += codebook[c] * codebook[c];
  NfGemvLevels best{};
  float least = INFINITY;
  int largest = 0;
  for (int top = 129; top <= 254; ++top) {  // 127 to 64 levels of activations either side
    const float step = span / static_cast<float>(top);
    float error = 0.0F;
    for (int c = 0; c < codes; ++c) {
      const float at = (codebook[c] - low) / step;
      const float off = at - std::nearbyint(at);
      error += off * off;
    }
    const float of_values = error * step * step / square;
    // Of 64 normal numbers the largest is some 2.5 times their rms.
    const int activations = 32767 / (2 * top);
    const float of_x = 2.5F / static_cast<float>(activations);
    const float expected = of_values + of_x * of_x / 12.0F;
    if (expected < least) {
      least = expected;
      largest = top;
      best.activations = activations;
      best.relative = std::sqrt(of_values);
    }
  }
  best.low = low;
  best.step = span / static_cast<float>(largest);
  for (int c = 0; c < codes; ++c) {
    best.levels[c] = static_cast<std::uint8_t>(std::lrint((codebook[c] - low) / best.step));
  }
  return best;
}

bool int8_gemv_has(const NfView& view) {
  return view.format.bits <= 4 && view.cols % kNfGroup == 0 && HWY_DYNAMIC_DISPATCH(FastHas)();
}

Int8GemvInput int8_gemv_round(const NfView& view, const NfGemvLevels& levels, const float* x,
                              float* scratch) {
  auto* to = reinterpret_cast<std::int8_t*>(scratch);
  float* step = scratch + view.cols / 4;
  float* sum = step + view.cols / view.format.block;
  HWY_DYNAMIC_DISPATCH(FastRound)(view, levels.activations, x, to, step, sum);
  return {to, step, sum};
}

void int8_gemv_rows(const NfView& view, const NfGemvLevels& levels, const Int8GemvInput& in,
                    std::int64_t begin, std::int64_t end, float* y) {
  HWY_DYNAMIC_DISPATCH(FastProduct)(view, levels, in, begin, end, y);
}

}  // namespace lq::backends
#endif
