// The CPU's side of PackedLayout::kTrellis: products with a few vectors, and its entry of the table.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "backends/cpu/packed_layouts.h"
#include "backends/cpu/transformer_gemv.h"
#include "backends/cpu/trellis_codec.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/trellis_gemv.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "backends/cpu/trellis_simd-inl.h"

// Activations as the kernel reads them.
#ifndef LQ_BACKENDS_CPU_TRELLIS_GEMV_INPUT_
#define LQ_BACKENDS_CPU_TRELLIS_GEMV_INPUT_
namespace lq::backends {

struct TrellisInput {
  const std::int16_t* x;       // [vectors][tiles][16]
  const std::int32_t* centre;  // [vectors][blocks][8]: what the sums of a block start from
  const float* step;           // [vectors][blocks]: what 1 of x is worth
  std::int64_t tiles, blocks;
  int vectors;  // 1 or 4 (the last ones zero)
  int count;    // of them wanted
};

}  // namespace lq::backends
#endif  // LQ_BACKENDS_CPU_TRELLIS_GEMV_INPUT_

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

#if HWY_CAP_GE256

using SumD = hn::Repartition<std::int32_t, TileD>;  // 8 lanes: a lane adds up two columns of each tile
using SumF = hn::Rebind<float, SumD>;

// Rows [kFirst, kFirst + kRows) of a strip times one block of columns: added, scaled, to totals.
template <int kBits, int kFirst, int kRows, int kVectors>
HWY_INLINE void AddBlock(const std::uint8_t* tiles, std::int64_t begin, std::int64_t end, std::int64_t block,
                         const TrellisInput& in, int state_bits, TileV mask, const float* scales,
                         hn::Vec<SumF> (*totals)[kTrellisSide]) {
  const SumD d;
  const SumF df;
  const hn::RebindToSigned<TileD> di;
  hn::Vec<SumD> sums[kVectors][kRows];
  for (int j = 0; j < kVectors; ++j) {
    const auto start = hn::Load(d, in.centre + (j * in.blocks + block) * 8);
    for (int row = 0; row < kRows; ++row) sums[j][row] = start;
  }
  for (std::int64_t tile = begin; tile < end; ++tile) {
    TileWords<kBits> words[1];
    LoadTile(tiles + tile * 32 * kBits, words);
    hn::Vec<decltype(di)> x[kVectors];
    for (int j = 0; j < kVectors; ++j) {
      x[j] = hn::Load(di, in.x + (j * in.tiles + tile) * kTrellisSide);
    }
    const auto add = [&](auto row) HWY_ATTR {
      constexpr int kRow = decltype(row)::value;
      const auto values = hn::BitCast(di, HashByteSums(RowStates<kBits, kRow>(words[0], state_bits, mask)));
      for (int j = 0; j < kVectors; ++j) {
        auto odd = hn::Zero(d);  // stays zero on x86
        auto& sum = sums[j][kRow - kFirst];
        sum = hn::ReorderWidenMulAccumulate(d, values, x[j], sum, odd);
#if !HWY_ARCH_X86
        sum = hn::Add(sum, odd);
#endif
      }
    };
    ForTileRows<kFirst, kFirst + kRows>(add);
  }
  for (int j = 0; j < kVectors; ++j) {
    const float step = in.step[j * in.blocks + block];
    for (int row = 0; row < kRows; ++row) {
      auto& total = totals[j][kFirst + row];
      total =
          hn::Add(total, hn::Mul(hn::ConvertTo(df, sums[j][row]), hn::Set(df, step * scales[kFirst + row])));
    }
  }
}

// As many rows at a time as their sums fit the registers.
template <int kBits, int kFirst, int kRows, int kVectors>
HWY_INLINE void AddBlockRows(const std::uint8_t* tiles, std::int64_t begin, std::int64_t end,
                             std::int64_t block, const TrellisInput& in, int state_bits, TileV mask,
                             const float* scales, hn::Vec<SumF> (*totals)[kTrellisSide]) {
  if constexpr (kFirst < kTrellisSide) {
    AddBlock<kBits, kFirst, kRows, kVectors>(tiles, begin, end, block, in, state_bits, mask, scales, totals);
    AddBlockRows<kBits, kFirst + kRows, kRows, kVectors>(tiles, begin, end, block, in, state_bits, mask,
                                                         scales, totals);
  }
}

template <int kBits, int kVectors>
void MultiplyStripOf(const PackedView& w, const TrellisInput& in, std::int64_t strip, const float* scales,
                     float* y) {
  const SumF df;
  const TrellisView& v = w.trellis;
  const TileV mask = TileMask(v.state_bits);
  const std::uint8_t* const tiles = v.codes + strip * in.tiles * 32 * kBits;
  hn::Vec<SumF> totals[kVectors][kTrellisSide];
  for (auto& of_vector : totals) {
    for (auto& total : of_vector) total = hn::Zero(df);
  }
  const std::int64_t per_block = v.block / kTrellisSide;
  for (std::int64_t block = 0; block < in.blocks; ++block) {
    AddBlockRows<kBits, 0, kVectors == 1 ? 8 : 2, kVectors>(
        tiles, block * per_block, std::min(in.tiles, (block + 1) * per_block), block, in, v.state_bits, mask,
        scales + block * kTrellisSide, totals);
  }
  const std::int64_t first = strip * kTrellisSide;
  const std::int64_t rows = std::min<std::int64_t>(kTrellisSide, w.rows - first);
  for (int j = 0; j < in.count; ++j) {
    for (std::int64_t i = 0; i < rows; ++i) {
      y[j * w.rows + first + i] = hn::GetLane(hn::SumOfLanes(df, totals[j][i]));
    }
  }
}

template <int kBits>
void MultiplyStripBits(const PackedView& w, const TrellisInput& in, std::int64_t strip, const float* scales,
                       float* y) {
  if (in.vectors == 1) {
    MultiplyStripOf<kBits, 1>(w, in, strip, scales, y);
  } else {
    MultiplyStripOf<kBits, 4>(w, in, strip, scales, y);
  }
}

// Asked with in == null, whether this target has it.
bool MultiplyStrip(const PackedView& w, const TrellisInput* in, std::int64_t strip, const float* scales,
                   float* y) {
  if (in == nullptr) return true;
  switch (w.trellis.bits) {
    case 2:
      MultiplyStripBits<2>(w, *in, strip, scales, y);
      break;
    case 3:
      MultiplyStripBits<3>(w, *in, strip, scales, y);
      break;
    default:
      MultiplyStripBits<4>(w, *in, strip, scales, y);
  }
  return true;
}

#else

bool MultiplyStrip(const PackedView&, const TrellisInput*, std::int64_t, const float*, float*) {
  return false;
}

#endif

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
namespace {

HWY_EXPORT(MultiplyStrip);

constexpr float kTrellisLevels = 16383.0F;  // 16 products of two such numbers and 1020 fit 31 bits
constexpr std::int64_t kSumLanes = 8;

bool has_integer_products(const PackedView& w) {
  return HWY_DYNAMIC_DISPATCH(MultiplyStrip)(w, nullptr, 0, nullptr, nullptr);
}

struct TrellisInputSizes {
  std::int64_t tiles, blocks, vectors;
  std::int64_t x, centre, step;  // floats that each part takes: multiples of 8
};

TrellisInputSizes input_sizes(const PackedView& w, std::int64_t count) {
  TrellisInputSizes s{};
  s.tiles = (w.cols + kTrellisSide - 1) / kTrellisSide;
  s.blocks = (w.cols + w.trellis.block - 1) / w.trellis.block;
  s.vectors = count == 1 ? 1 : kGemvVectors;
  s.x = s.vectors * s.tiles * kTrellisSide / 2;
  s.centre = s.vectors * s.blocks * kSumLanes;
  s.step = (s.vectors * s.blocks + 7) / 8 * 8;
  return s;
}

// One block of one vector.
void round_block(const float* x, std::int64_t count, std::int64_t padded, std::int16_t* to,
                 std::int32_t* centre, float* step) {
  float largest = 0.0F;
  float sum = 0.0F;
  for (std::int64_t k = 0; k < count; ++k) {
    largest = std::max(largest, std::abs(x[k]));
    sum += x[k] * 0.0F;  // NaN where an element is not finite
  }
  std::fill_n(to, padded, std::int16_t{0});
  std::fill_n(centre, kSumLanes, 0);
  *step = sum == 0.0F ? largest / kTrellisLevels : std::numeric_limits<float>::quiet_NaN();
  if (!(largest > 0.0F) || sum != 0.0F) return;
  const float scale = kTrellisLevels / largest;
  if (!std::isfinite(scale)) return;  // so small that products with it vanish
  for (std::int64_t k = 0; k < count; ++k) {
    to[k] = static_cast<std::int16_t>(std::nearbyint(x[k] * scale));
    centre[k % kTrellisSide / 2] -= kTrellisCentre * to[k];
  }
}

TrellisInput round_input(const PackedView& w, const float* x, std::int64_t count, float* scratch) {
  const TrellisInputSizes s = input_sizes(w, count);
  auto* const to = reinterpret_cast<std::int16_t*>(scratch);
  auto* const centre = reinterpret_cast<std::int32_t*>(scratch + s.x);
  float* const step = scratch + s.x + s.centre;
  const std::int64_t block = w.trellis.block;
  for (std::int64_t j = 0; j < s.vectors; ++j) {
    for (std::int64_t b = 0; b < s.blocks; ++b) {
      const std::int64_t begin = b * block;
      const std::int64_t end = j < count ? std::min(w.cols, begin + block) : begin;
      const std::int64_t padded = std::min(s.tiles * kTrellisSide, begin + block) - begin;
      round_block(x + j * w.cols + begin, end - begin, padded, to + j * s.tiles * kTrellisSide + begin,
                  centre + (j * s.blocks + b) * kSumLanes, step + j * s.blocks + b);
    }
  }
  return {to, centre, step, s.tiles, s.blocks, static_cast<int>(s.vectors), static_cast<int>(count)};
}

// Strips for one job: some 32 KiB of codes, so that no thread waits long for the last one.
std::int64_t strip_grain(const PackedView& w) {
  return std::max<std::int64_t>(1, 32768 * 8 / (kTrellisSide * w.cols * w.trellis.bits));
}

}  // namespace

std::int64_t trellis_few_scratch(const PackedView& w, std::int64_t count) {
  if (!has_integer_products(w)) return 0;
  const TrellisInputSizes s = input_sizes(w, count);
  return s.x + s.centre + s.step;
}

void trellis_few(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t count, float* y,
                 float* scratch, bool /*coarse*/) {
  const std::int64_t strips = (w.rows + kTrellisSide - 1) / kTrellisSide;
  if (has_integer_products(w)) {
    const TrellisInput in = round_input(w, x, count, scratch);
    parallel_for(pool, strips, strip_grain(w), [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> scales(static_cast<std::size_t>(trellis_strip_scales_size(w)));
      for (std::int64_t strip = begin; strip < end; ++strip) {
        trellis_strip_scales(w, strip * kTrellisSide, scales.data());
        HWY_DYNAMIC_DISPATCH(MultiplyStrip)(w, &in, strip, scales.data(), y);
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
