#include "backends/cpu/nf_gemv.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/cpu/nf_codec.h"
#include "backends/cpu/nf_gemv_input.h"
#include "backends/cpu/transformer_gemv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/nf_gemv.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that it is compiled for every target.
#include "backends/cpu/nf_gemv_codes-inl.h"
#include "backends/cpu/nf_gemv_scales-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

#if HWY_CAP_GE256

// Low and high bytes of the codebook's integers, at the indices that Indices yields.
struct Tables {
  V8 low, high;
  float step;  // value of one integer
};

template <int kBits>
HWY_INLINE Tables MakeTables(const float* codebook) {
  float largest = 0.0F;
  for (int c = 0; c < 1 << kBits; ++c) largest = std::max(largest, std::abs(codebook[c]));
  alignas(32) std::uint8_t low[32] = {};
  alignas(32) std::uint8_t high[32] = {};
  for (int c = 0; c < 1 << kBits; ++c) {
    const auto value = static_cast<std::int16_t>(std::lrint(codebook[c] / largest * kGemvLevels));
    const auto bits = static_cast<std::uint16_t>(value);
    for (int lane = 0; lane < 2; ++lane) {
      const int at = 16 * lane + table_index<kBits>(c, lane);
      low[at] = static_cast<std::uint8_t>(bits);
      high[at] = static_cast<std::uint8_t>(bits >> 8);
    }
  }
  const D8 d8;
  return {hn::Load(d8, low), hn::Load(d8, high), largest / kGemvLevels};
}

template <int kBits, int kBlock, int kVectors>
void GemvRows(const NfView& view, const NfGemvInput& in, std::int64_t begin, std::int64_t end,
              float* HWY_RESTRICT scales, float* y) {
  const D8 d8;
  const D16 d16;
  const D32 d32;
  const F8 f8;
  constexpr int kPerGroup = 64 / kBlock;
  const Tables tables = MakeTables<kBits>(view.codebook);
  const std::int64_t groups = view.cols / kNfGroup;
  for (std::int64_t i = begin; i < end; ++i) {
    const std::uint8_t* codes = view.codes + i * groups * 8 * kBits;
    VF8 sums[kVectors];
    for (auto& s : sums) s = hn::Zero(f8);
    if constexpr (kVectors == 1) {  // all the scales of the row at once, not one by one in the loop
      for (std::int64_t g = 0; g < groups; ++g) {
        for (int part = 0; part < kPerGroup; ++part) {
          scales[g * kPerGroup + part] *= in.scale[g];
        }
      }
    }
    for (std::int64_t g = 0; g < groups; ++g) {
      hwy::Prefetch(codes + g * 8 * kBits + 2048);
      const Indices<kBits> index(codes + g * 8 * kBits);
      const V8 low0 = hn::TableLookupBytes(tables.low, index.first);
      const V8 high0 = hn::TableLookupBytes(tables.high, index.first);
      const V8 low1 = hn::TableLookupBytes(tables.low, index.second);
      const V8 high1 = hn::TableLookupBytes(tables.high, index.second);
      const V16 w0 = hn::BitCast(d16, hn::InterleaveLower(d8, low0, high0));
      const V16 w1 = hn::BitCast(d16, hn::InterleaveUpper(d8, low0, high0));
      const V16 w2 = hn::BitCast(d16, hn::InterleaveLower(d8, low1, high1));
      const V16 w3 = hn::BitCast(d16, hn::InterleaveUpper(d8, low1, high1));
      const float* s = scales + g * kPerGroup;
      for (int j = 0; j < kVectors; ++j) {
        const std::int16_t* x = in.x + (g * kVectors + j) * 64;
        V32 odd = hn::Zero(d32);  // stays zero on x86
        V32 part0 = hn::ReorderWidenMulAccumulate(d32, w0, hn::Load(d16, x), hn::Zero(d32), odd);
        part0 = hn::ReorderWidenMulAccumulate(d32, w1, hn::Load(d16, x + 16), part0, odd);
        V32 part1 = hn::ReorderWidenMulAccumulate(d32, w2, hn::Load(d16, x + 32), hn::Zero(d32), odd);
        part1 = hn::ReorderWidenMulAccumulate(d32, w3, hn::Load(d16, x + 48), part1, odd);
        const float step = kVectors == 1 ? 1.0F : in.scale[g * kVectors + j];
        if constexpr (kBlock == 64) {
          const VF8 part = hn::ConvertTo(f8, hn::Add(part0, part1));
          sums[j] = hn::MulAdd(part, hn::Set(f8, step * s[0]), sums[j]);
        } else if constexpr (kBlock == 32) {
          sums[j] = hn::MulAdd(hn::ConvertTo(f8, part0), hn::Set(f8, step * s[0]), sums[j]);
          sums[j] = hn::MulAdd(hn::ConvertTo(f8, part1), hn::Set(f8, step * s[1]), sums[j]);
        } else {
          const VF8 scale0 = hn::ConcatLowerLower(f8, hn::Set(f8, step * s[1]), hn::Set(f8, step * s[0]));
          const VF8 scale1 = hn::ConcatLowerLower(f8, hn::Set(f8, step * s[3]), hn::Set(f8, step * s[2]));
          sums[j] = hn::MulAdd(hn::ConvertTo(f8, part0), scale0, sums[j]);
          sums[j] = hn::MulAdd(hn::ConvertTo(f8, part1), scale1, sums[j]);
        }
      }
    }
    for (int j = 0; j < in.count; ++j) {
      y[j * view.rows + i] = tables.step * hn::GetLane(hn::SumOfLanes(f8, sums[j]));
    }
    scales += groups * kPerGroup;
  }
}

template <int kBits, int kBlock>
void GemvVectors(const NfView& view, const NfGemvInput& in, std::int64_t begin, std::int64_t end,
                 float* scales, float* y) {
  if (in.vectors == 1) {
    GemvRows<kBits, kBlock, 1>(view, in, begin, end, scales, y);
  } else {
    GemvRows<kBits, kBlock, 4>(view, in, begin, end, scales, y);
  }
}

template <int kBits>
void GemvBlocks(const NfView& view, const NfGemvInput& in, std::int64_t begin, std::int64_t end,
                float* scales, float* y) {
  switch (view.format.block) {
    case 16:
      return GemvVectors<kBits, 16>(view, in, begin, end, scales, y);
    case 32:
      return GemvVectors<kBits, 32>(view, in, begin, end, scales, y);
    default:
      return GemvVectors<kBits, 64>(view, in, begin, end, scales, y);
  }
}

bool NfGemvInteger(const NfView& view, const NfGemvInput* in, std::int64_t begin, std::int64_t end,
                   float* y) {
  if (view.format.bits > 4 || view.cols % kNfGroup != 0) return false;
  if (in == nullptr) return true;  // asked whether it would
  RestoredScales scales(view, begin, end);
  switch (view.format.bits) {
    case 2:
      GemvBlocks<2>(view, *in, begin, end, scales.of_begin(), y);
      break;
    case 3:
      GemvBlocks<3>(view, *in, begin, end, scales.of_begin(), y);
      break;
    default:
      GemvBlocks<4>(view, *in, begin, end, scales.of_begin(), y);
  }
  return true;
}

#else

bool NfGemvInteger(const NfView&, const NfGemvInput*, std::int64_t, std::int64_t, float*) { return false; }

#endif

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
namespace {
HWY_EXPORT(NfGemvInteger);

bool integer_path(const NfView& view) {
  return HWY_DYNAMIC_DISPATCH(NfGemvInteger)(view, nullptr, 0, 0, nullptr);
}

// Rows for one job: some 32 KiB of codes, so that no thread waits long for the last one.
std::int64_t gemv_grain(const NfView& view) {
  return std::max<std::int64_t>(1, 32768 * 8 / (view.cols * view.format.bits));
}

void gemv_fast(ThreadPool& pool, const NfView& view, const NfGemvLevels& levels, const float* x, float* y,
               float* scratch) {
  const Int8GemvInput in = int8_gemv_round(view, levels, x, scratch);
  parallel_for(pool, view.rows, gemv_grain(view), [&](std::int64_t begin, std::int64_t end) {
    int8_gemv_rows(view, levels, in, begin, end, y);
  });
}

void gemv_integer(ThreadPool& pool, const NfView& view, const float* x, std::int64_t count, float* y,
                  float* scratch) {
  const std::int64_t groups = view.cols / kNfGroup;
  const int vectors = count == 1 ? 1 : 4;
  auto* rounded = reinterpret_cast<std::int16_t*>(scratch);
  float* scale = scratch + groups * vectors * kNfGroup / 2;
  nf_gemv_round(x, view.cols, count, vectors, rounded, scale);
  const NfGemvInput in{rounded, scale, vectors, static_cast<int>(count)};
  parallel_for(pool, view.rows, gemv_grain(view), [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(NfGemvInteger)(view, &in, begin, end, y);
  });
}

}  // namespace

std::int64_t nf_gemv_scratch(const NfView& view, std::int64_t count) {
  if (!integer_path(view)) return 0;
  const std::int64_t vectors = count == 1 ? 1 : 4;
  // No less than the coarser product's.
  return view.cols / kNfGroup * vectors * (kNfGroup / 2 + 1);
}

void nf_gemv(ThreadPool& pool, const NfView& view, const float* x, std::int64_t count, float* y,
             float* scratch, const NfGemvLevels* levels) {
  if (levels != nullptr && count == 1 && int8_gemv_has(view)) {
    return gemv_fast(pool, view, *levels, x, y, scratch);
  }
  if (integer_path(view)) return gemv_integer(pool, view, x, count, y, scratch);
  const std::int64_t grain = std::max<std::int64_t>(1, 65536 / std::max<std::int64_t>(1, view.cols));
  parallel_for(pool, view.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> rows(static_cast<std::size_t>((end - begin) * view.cols));
    std::vector<float> part(static_cast<std::size_t>((end - begin) * count));
    nf_dequantize(view, begin * view.cols, (end - begin) * view.cols, rows.data());
    dense_gemv(pool, DenseType::kF32, rows.data(), end - begin, view.cols, x, count, part.data());
    for (std::int64_t j = 0; j < count; ++j) {
      std::copy_n(part.data() + j * (end - begin), end - begin, y + j * view.rows + begin);
    }
  });
}

}  // namespace lq::backends
#endif
