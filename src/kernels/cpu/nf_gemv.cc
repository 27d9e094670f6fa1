#include "kernels/cpu/nf_gemv.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/cpu/nf_codec.h"
#include "kernels/cpu/nf_gemv_input.h"
#include "kernels/cpu/transformer_gemv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/nf_gemv.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that it is compiled for every target.
#include "kernels/cpu/nf_gemv_scales-inl.h"
#include "kernels/cpu/nf_simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::kernels::HWY_NAMESPACE {

#if HWY_CAP_GE256

using D8 = hn::FixedTag<std::uint8_t, 32>;
using D16 = hn::FixedTag<std::int16_t, 16>;
using D32 = hn::FixedTag<std::int32_t, 8>;
using F8 = hn::FixedTag<float, 8>;
using V8 = hn::Vec<D8>;
using V16 = hn::Vec<D16>;
using V32 = hn::Vec<D32>;
using VF8 = hn::Vec<F8>;

// Low and high bytes of the codebook's integers, at the indices that Indices yields (which differ by 128-bit
// lane).
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
    // First lane: the code. Second lane: below 4 bits the lower two bits come scaled by 4, the top one by 1.
    const int second = kBits == 4 ? c : (c & 3) * 4 + (c >> 2);
    low[c] = static_cast<std::uint8_t>(bits);
    high[c] = static_cast<std::uint8_t>(bits >> 8);
    low[16 + second] = static_cast<std::uint8_t>(bits);
    high[16 + second] = static_cast<std::uint8_t>(bits >> 8);
  }
  const D8 d8;
  return {hn::Load(d8, low), hn::Load(d8, high), largest / kGemvLevels};
}

// One value in the first 16 bytes, another in the rest.
HWY_INLINE V8 Lanes2(std::uint8_t first, std::uint8_t second) {
  const D8 d8;
  const auto word = [](std::uint8_t b) { return b * 0x0101010101010101ULL; };
  alignas(32) const std::uint64_t words[4] = {word(first), word(first), word(second), word(second)};
  return hn::BitCast(d8, hn::Load(hn::FixedTag<std::uint64_t, 4>(), words));
}

// Table indices of elements 0-31 and 32-63 of a packed group.
template <int kBits>
struct Indices {
  V8 first, second;

  HWY_INLINE explicit Indices(const std::uint8_t* group) {
    const D8 d8;
    const D16 d16;
    const auto down4 = [&](V8 v) HWY_ATTR {
      return hn::BitCast(d8, hn::ShiftRight<4>(hn::BitCast(hn::RebindToUnsigned<D16>(), v)));
    };
    (void)d16;
    if constexpr (kBits == 4) {
      const V8 nibble = hn::Set(d8, 15);
      const V8 v = hn::LoadU(d8, group);
      first = hn::And(v, nibble);
      second = hn::And(down4(v), nibble);
    } else {
      const V8 mask = Lanes2(3, 12);
      const V8 v = hn::LoadDup128(d8, group);
      first = hn::And(v, mask);
      second = hn::And(down4(v), mask);
      if constexpr (kBits == 3) {
        std::uint64_t top;
        std::memcpy(&top, group + 16, 8);
        const V8 bits = hn::BitCast(d8, hn::Set(hn::FixedTag<std::uint64_t, 4>(), top));
        first = hn::Or(first, TopBits(bits, 0));
        second = hn::Or(second, TopBits(bits, 4));
      }
    }
  }

 private:
  // Of elements 8 * from ... + 31: 4 in the first lane and 1 in the second where the element's bit is set.
  static HWY_INLINE V8 TopBits(V8 bits, std::uint8_t from) {
    const D8 d8;
    const hn::FixedTag<std::uint64_t, 4> d64;
    const std::uint64_t at = from * 0x0101010101010101ULL;
    alignas(32) const std::uint64_t pick[4] = {at, at + 0x0101010101010101ULL, at + 0x0202020202020202ULL,
                                               at + 0x0303030303030303ULL};
    const V8 bit = hn::BitCast(d8, hn::Set(d64, 0x8040201008040201ULL));
    const V8 spread = hn::TableLookupBytes(bits, hn::BitCast(d8, hn::Load(d64, pick)));
    return hn::And(hn::VecFromMask(d8, hn::Eq(hn::And(spread, bit), bit)), Lanes2(4, 1));
  }
};

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
  const std::int64_t per_row = view.cols / view.format.block;
  const std::int64_t first = begin * per_row / kNfGroup;
  const std::int64_t groups = (end * per_row + kNfGroup - 1) / kNfGroup - first;
  // Those of the jobs that follow, which come to this thread or its neighbour: nothing else fetches them
  // ahead.
  const std::int64_t all = (view.rows * per_row + kNfGroup - 1) / kNfGroup;
  const std::int64_t bytes = 8 * view.format.scale_bits;
  for (std::int64_t at = (first + groups) * bytes; at < std::min(all, first + 3 * groups) * bytes; at += 64) {
    hwy::Prefetch(view.scales + at);
  }
  constexpr std::int64_t kFew = 4096;
  alignas(64) float few[kFew];
  std::vector<float> many(static_cast<std::size_t>(groups * kNfGroup <= kFew ? 0 : groups * kNfGroup));
  float* scales = many.empty() ? few : many.data();
  RestoreScales(view, first, groups, scales);
  float* of_begin = scales + begin * per_row - first * kNfGroup;
  switch (view.format.bits) {
    case 2:
      GemvBlocks<2>(view, *in, begin, end, of_begin, y);
      break;
    case 3:
      GemvBlocks<3>(view, *in, begin, end, of_begin, y);
      break;
    default:
      GemvBlocks<4>(view, *in, begin, end, of_begin, y);
  }
  return true;
}

#else

bool NfGemvInteger(const NfView&, const NfGemvInput*, std::int64_t, std::int64_t, float*) { return false; }

#endif

}  // namespace lq::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::kernels {
namespace {
HWY_EXPORT(NfGemvInteger);

bool integer_path(const NfView& view) {
  return HWY_DYNAMIC_DISPATCH(NfGemvInteger)(view, nullptr, 0, 0, nullptr);
}

void gemv_integer(ThreadPool& pool, const NfView& view, const float* x, std::int64_t count, float* y,
                  float* scratch) {
  const std::int64_t groups = view.cols / kNfGroup;
  const int vectors = count == 1 ? 1 : 4;
  auto* rounded = reinterpret_cast<std::int16_t*>(scratch);
  float* scale = scratch + groups * vectors * kNfGroup / 2;
  nf_gemv_round(x, view.cols, count, vectors, rounded, scale);
  const NfGemvInput in{rounded, scale, vectors, static_cast<int>(count)};
  // Some 32 KiB of codes for one job: no thread waits long for the last one.
  const std::int64_t grain = std::max<std::int64_t>(1, 32768 * 8 / (view.cols * view.format.bits));
  parallel_for(pool, view.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(NfGemvInteger)(view, &in, begin, end, y);
  });
}

}  // namespace

std::int64_t nf_gemv_scratch(const NfView& view, std::int64_t count) {
  if (!integer_path(view)) return 0;
  const std::int64_t vectors = count == 1 ? 1 : 4;
  return view.cols / kNfGroup * vectors * (kNfGroup / 2 + 1);
}

void nf_gemv(ThreadPool& pool, const NfView& view, const float* x, std::int64_t count, float* y,
             float* scratch) {
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

}  // namespace lq::kernels
#endif
