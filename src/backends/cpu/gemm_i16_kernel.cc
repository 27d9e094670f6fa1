#include "backends/cpu/gemm_i16_kernel.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/gemm_i16_kernel.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that they are compiled for every target.
#include "backends/cpu/gemm_tiles-inl.h"
#include "backends/cpu/round_group-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

using DI = hn::RebindToSigned<D>;
using VI = hn::Vec<DI>;
using D16 = hn::Repartition<std::int16_t, D>;

constexpr std::int64_t kSlice = kI16Slice;
constexpr std::int64_t kPairs = kSlice / 2;
constexpr std::int64_t kSliceUnits = kPairs + 1;  // pairs and a scale

constexpr std::int64_t Units(std::int64_t depth) { return (depth + kSlice - 1) / kSlice * kSliceUnits; }

// One panel from `count` rows of `depth` contiguous elements each.
template <std::int64_t kWidth, std::int64_t kLevels>
void RoundRows(std::int64_t count, std::int64_t depth, const float* x, std::int64_t ld, float* to) {
  constexpr int kInOrder[4] = {0, 8, 16, 24};
  HWY_ALIGN std::int16_t whole[kWidth * kSlice] = {};
  HWY_ALIGN float rest[kSlice] = {};
  for (std::int64_t l = 0; l < depth; l += kSlice, to += kWidth * kSliceUnits) {
    float* scales = to + kWidth * kPairs;
    std::fill(scales + count, scales + kWidth, 0.0F);
    for (std::int64_t r = 0; r < count; ++r) {
      const float* row = x + r * ld + l;
      if (depth - l < kSlice) {
        std::copy(row, row + depth - l, rest);
        row = rest;
      }
      scales[r] = RoundGroup(row, static_cast<float>(kLevels), kInOrder, whole + r * kSlice);
    }
    // Pairs of integers move as floats do.
    TransposeRows<kWidth>(kPairs, reinterpret_cast<const float*>(whole), kPairs, to);
  }
}

// A piece of b as it lies in memory, [steps, kChunk], rounded column by column: scales for each column, and a
// line of pairs for each two steps, given to `put`.
template <std::int64_t kChunk, std::int64_t kLevels, class Put>
HWY_INLINE void RoundChunk(std::int64_t steps, const float* HWY_RESTRICT x, std::int64_t ld,
                           float* HWY_RESTRICT scales, const Put& put) {
  const D d;
  const DI di;
  HWY_ALIGN float inverses[kChunk];
  for (std::int64_t q = 0; q < kChunk; q += kCols) {
    // Magnitudes are in the order of their bits, and those of what is not finite are above all.
    const VI magnitude = hn::Set(di, 0x7fffffff);
    VI low = hn::Zero(di);
    VI high = hn::Zero(di);
    for (std::int64_t l = 0; l < steps; ++l) {
      const float* at = x + l * ld + q;
      low = hn::Max(low, hn::And(hn::BitCast(di, hn::LoadU(d, at)), magnitude));
      high = hn::Max(high, hn::And(hn::BitCast(di, hn::LoadU(d, at + kLanes)), magnitude));
    }
    for (int half = 0; half < 2; ++half) {
      const V most = hn::BitCast(d, half == 0 ? low : high);
      const V levels = hn::Set(d, static_cast<float>(kLevels));
      // most - most is 0, or not a number.
      const V scale = hn::Add(hn::Div(most, levels), hn::Sub(most, most));
      // The quotient of denormals may overflow: then everything is 0 anyway.
      const V inverse = hn::IfThenElseZero(hn::Gt(most, hn::Set(d, 1e-30F)), hn::Div(levels, most));
      hn::StoreU(scale, d, scales + q + half * kLanes);
      hn::StoreU(inverse, d, inverses + q + half * kLanes);
    }
  }
  HWY_ALIGN float line[kChunk];
  for (std::int64_t l = 0; l < kSlice; l += 2) {
    for (std::int64_t q = 0; q < kChunk; q += kLanes) {
      VI pairs = hn::Zero(di);
      if (l < steps) {
        const V inverse = hn::Load(d, inverses + q);
        pairs = hn::And(hn::NearestInt(hn::Mul(hn::LoadU(d, x + l * ld + q), inverse)), hn::Set(di, 0xffff));
        if (l + 1 < steps) {
          const V next = hn::Mul(hn::LoadU(d, x + (l + 1) * ld + q), inverse);
          pairs = hn::Or(pairs, hn::ShiftLeft<16>(hn::NearestInt(next)));
        }
      }
      hn::Store(hn::BitCast(d, pairs), d, line + q);
    }
    put(l / 2, line);
  }
}

// Panels of kWidth columns from `width` columns, each step of depth a row.
template <std::int64_t kWidth, std::int64_t kLevels>
void RoundColumns(std::int64_t width, std::int64_t depth, const float* x, std::int64_t ld, float* to,
                  std::int64_t stride) {
  // Whole vectors and whole panels; several cache lines of a row.
  constexpr std::int64_t kChunk = kWidth == kRows ? 16 * kRows : std::max<std::int64_t>(kWidth, 64);
  HWY_ALIGN float scales[kChunk];
  HWY_ALIGN float padded[kSlice * kChunk];
  for (std::int64_t l = 0; l < depth; l += kSlice) {
    const std::int64_t steps = std::min(kSlice, depth - l);
    for (std::int64_t j = 0; j < width; j += kChunk) {
      const float* from = x + l * ld + j;
      std::int64_t from_ld = ld;
      const std::int64_t count = std::min(kChunk, width - j);
      if (count < kChunk) {
        std::fill(padded, padded + steps * kChunk, 0.0F);
        for (std::int64_t i = 0; i < steps; ++i) {
          std::copy(from + i * ld, from + i * ld + count, padded + i * kChunk);
        }
        from = padded;
        from_ld = kChunk;
      }
      float* panel = to + j / kWidth * stride + l / kSlice * kWidth * kSliceUnits;
      const std::int64_t panels = (count + kWidth - 1) / kWidth;
      RoundChunk<kChunk, kLevels>(steps, from, from_ld, scales, [&](std::int64_t pair, const float* line) {
        for (std::int64_t p = 0; p < panels; ++p) {
          std::memcpy(panel + p * stride + pair * kWidth, line + p * kWidth, kWidth * sizeof(float));
        }
      });
      for (std::int64_t p = 0; p < panels; ++p) {
        std::copy_n(scales + p * kWidth, kWidth, panel + p * stride + kPairs * kWidth);
      }
    }
  }
}

void RoundA(bool trans, std::int64_t rows, std::int64_t depth, const float* a, std::int64_t lda, float* to) {
  const std::int64_t stride = Units(depth) * kRows;
  if (trans) return RoundColumns<kRows, kI16LevelsA>(rows, depth, a, lda, to, stride);
  for (std::int64_t i = 0; i < rows; i += kRows) {
    RoundRows<kRows, kI16LevelsA>(std::min(kRows, rows - i), depth, a + i * lda, lda,
                                  to + i / kRows * stride);
  }
}

void RoundB(bool trans, std::int64_t depth, std::int64_t cols, const float* b, std::int64_t ldb, float* to,
            std::int64_t stride) {
  if (!trans) return RoundColumns<kCols, kI16LevelsB>(cols, depth, b, ldb, to, stride);
  for (std::int64_t j = 0; j < cols; j += kCols) {
    RoundRows<kCols, kI16LevelsB>(std::min(kCols, cols - j), depth, b + j * ldb, ldb,
                                  to + j / kCols * stride);
  }
}

// sum += the products of both halves of each pair.
HWY_INLINE void AddPairs(VI a, VI b, VI& sum) {
#if HWY_ARCH_X86
  VI odd = hn::Zero(DI());  // stays zero on x86
  const D16 d16;
#if HWY_TARGET <= HWY_AVX2 && HWY_COMPILER_GCC
  const VI products = hn::ReorderWidenMulAccumulate(DI(), hn::BitCast(d16, a), hn::BitCast(d16, b), odd, odd);
  // Left alone, GCC makes all products of a step first and then has no room for the sums.
  asm volatile("vpaddd %1, %0, %0" : "+x"(sum.raw) : "x"(products.raw));
#else
  sum = hn::ReorderWidenMulAccumulate(DI(), hn::BitCast(d16, a), hn::BitCast(d16, b), sum, odd);
#endif
#else
  const VI even = hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(a)), hn::ShiftRight<16>(hn::ShiftLeft<16>(b)));
  sum = hn::Add(sum, hn::Add(even, hn::Mul(hn::ShiftRight<16>(a), hn::ShiftRight<16>(b))));
#endif
}

HWY_INLINE void Step(float pair, VI b0, VI b1, VI& low, VI& high) {
  const VI x = hn::BitCast(DI(), hn::Set(D(), pair));
  AddPairs(x, b0, low);
  AddPairs(x, b1, high);
}

// tile = scales * sums, or tile +=.
HWY_INLINE void Scale(bool first, VI low, VI high, float scale, V scale0, V scale1,
                      float* HWY_RESTRICT tile) {
  const D d;
  const V s = hn::Set(d, scale);
  V to0 = hn::Zero(d);
  V to1 = hn::Zero(d);
  if (!first) {
    to0 = hn::Load(d, tile);
    to1 = hn::Load(d, tile + kLanes);
  }
  hn::Store(hn::MulAdd(hn::ConvertTo(d, low), hn::Mul(s, scale0), to0), d, tile);
  hn::Store(hn::MulAdd(hn::ConvertTo(d, high), hn::Mul(s, scale1), to1), d, tile + kLanes);
}

// c[6, kCols] = alpha * a b + beta * c for one panel of each.
HWY_INLINE void I16Micro(std::int64_t depth, float alpha, const float* HWY_RESTRICT a,
                         const float* HWY_RESTRICT b, float beta, float* HWY_RESTRICT c, std::int64_t ldc) {
  const D d;
  const DI di;
  HWY_ALIGN float tile[kRows * kCols];
  if (beta != 0.0F) PrefetchTile(c, ldc);
  for (std::int64_t at = 0; at < depth; at += kSlice) {
    const std::int64_t pairs = std::min(kPairs, (depth - at + 1) / 2);
    VI c00 = hn::Zero(di), c01 = hn::Zero(di);
    VI c10 = hn::Zero(di), c11 = hn::Zero(di);
    VI c20 = hn::Zero(di), c21 = hn::Zero(di);
    VI c30 = hn::Zero(di), c31 = hn::Zero(di);
    VI c40 = hn::Zero(di), c41 = hn::Zero(di);
    VI c50 = hn::Zero(di), c51 = hn::Zero(di);
    const float* x = a;
    const float* y = b;
    for (std::int64_t l = 0; l < pairs; ++l) {
      const VI b0 = hn::BitCast(di, hn::Load(d, y));
      const VI b1 = hn::BitCast(di, hn::Load(d, y + kLanes));
      Step(x[0], b0, b1, c00, c01);
      Step(x[1], b0, b1, c10, c11);
      Step(x[2], b0, b1, c20, c21);
      Step(x[3], b0, b1, c30, c31);
      Step(x[4], b0, b1, c40, c41);
      Step(x[5], b0, b1, c50, c51);
      x += kRows;
      y += kCols;
    }
    a += kRows * kSliceUnits;
    b += kCols * kSliceUnits;
    const float* of_a = a - kRows;
    const V s0 = hn::Load(d, b - kCols);
    const V s1 = hn::Load(d, b - kCols + kLanes);
    Scale(at == 0, c00, c01, of_a[0], s0, s1, tile);
    Scale(at == 0, c10, c11, of_a[1], s0, s1, tile + kCols);
    Scale(at == 0, c20, c21, of_a[2], s0, s1, tile + 2 * kCols);
    Scale(at == 0, c30, c31, of_a[3], s0, s1, tile + 3 * kCols);
    Scale(at == 0, c40, c41, of_a[4], s0, s1, tile + 4 * kCols);
    Scale(at == 0, c50, c51, of_a[5], s0, s1, tile + 5 * kCols);
  }
  for (std::int64_t r = 0; r < kRows; ++r) {
    const float* row = tile + r * kCols;
    StoreRow(hn::Load(d, row), hn::Load(d, row + kLanes), hn::Set(d, alpha), beta, c + r * ldc);
  }
}

void I16Block(std::int64_t rows, std::int64_t cols, std::int64_t depth, float alpha, const float* a,
              const float* b, std::int64_t b_stride, float beta, float* c, std::int64_t ldc) {
  Tiles<I16Micro>(Units(depth), rows, cols, depth, alpha, a, b, b_stride, beta, c, ldc);
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {

HWY_EXPORT(RoundA);
HWY_EXPORT(RoundB);
HWY_EXPORT(I16Block);

const GemmKernel& gemm_kernel_i16() {
  static const GemmKernel kernel = {
      .granule = kI16Slice,
      .strip = kI16Slice,
      .depth = 512,
      .units = [](std::int64_t depth) { return (depth + kI16Slice - 1) / kI16Slice * (kI16Slice / 2 + 1); },
      .pack_a =
          [](bool trans, std::int64_t rows, std::int64_t depth, const float* a, std::int64_t lda, float* to) {
            HWY_DYNAMIC_DISPATCH(RoundA)
            (trans, rows, depth, a, lda, to);
          },
      .pack_b =
          [](bool trans, std::int64_t depth, std::int64_t cols, const float* b, std::int64_t ldb, float* to,
             std::int64_t stride) {
            HWY_DYNAMIC_DISPATCH(RoundB)
            (trans, depth, cols, b, ldb, to, stride);
          },
      .block =
          [](std::int64_t rows, std::int64_t cols, std::int64_t depth, float alpha, const float* a,
             const float* b, std::int64_t b_stride, float beta, float* c, std::int64_t ldc) {
            HWY_DYNAMIC_DISPATCH(I16Block)(rows, cols, depth, alpha, a, b, b_stride, beta, c, ldc);
          }};
  return kernel;
}

}  // namespace lq::backends
#endif
