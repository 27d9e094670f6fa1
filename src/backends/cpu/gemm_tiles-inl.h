// What the kernels of matrix products share: vectors, transposing, and the loop over tiles; once per SIMD
// target.
#if defined(LQ_KERNELS_CPU_GEMM_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LQ_KERNELS_CPU_GEMM_TILES_INL_H_
#undef LQ_KERNELS_CPU_GEMM_TILES_INL_H_
#else
#define LQ_KERNELS_CPU_GEMM_TILES_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "backends/cpu/gemm_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));
constexpr std::int64_t kCols = 2 * kLanes;
constexpr std::int64_t kRows = kGemmRows;

// to[q * step + r] = from[r * ld + q] for 4 x 4 elements.
HWY_INLINE void Transpose4(const float* HWY_RESTRICT from, std::int64_t ld, float* HWY_RESTRICT to,
                           std::int64_t step) {
  const hn::FixedTag<float, 4> d;
  const hn::FixedTag<std::uint64_t, 2> d64;
  const auto r0 = hn::LoadU(d, from);
  const auto r1 = hn::LoadU(d, from + ld);
  const auto r2 = hn::LoadU(d, from + 2 * ld);
  const auto r3 = hn::LoadU(d, from + 3 * ld);
  const auto a0 = hn::BitCast(d64, hn::InterleaveLower(d, r0, r1));  // columns 0 and 1 of rows 0 and 1
  const auto a1 = hn::BitCast(d64, hn::InterleaveUpper(d, r0, r1));
  const auto b0 = hn::BitCast(d64, hn::InterleaveLower(d, r2, r3));
  const auto b1 = hn::BitCast(d64, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, a0, b0)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, a0, b0)), d, to + step);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, a1, b1)), d, to + 2 * step);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, a1, b1)), d, to + 3 * step);
}

// to[l * kWidth + r] = x[r * ld + l] for kWidth rows; depth a multiple of 4.
template <std::int64_t kWidth>
HWY_INLINE void TransposeRows(std::int64_t depth, const float* x, std::int64_t ld, float* to) {
  for (std::int64_t l = 0; l < depth; l += 4) {
    for (std::int64_t r = 0; r + 4 <= kWidth; r += 4)
      Transpose4(x + r * ld + l, ld, to + l * kWidth + r, kWidth);
    // The last rows again with those before them, where the width is no multiple of four.
    if constexpr (kWidth % 4 != 0) {
      Transpose4(x + (kWidth - 4) * ld + l, ld, to + l * kWidth + kWidth - 4, kWidth);
    }
  }
}

// Brings a tile near that will be read at the end of its sums.
HWY_INLINE void PrefetchTile(const float* c, std::int64_t ldc) {
  for (std::int64_t r = 0; r < kRows; ++r) {
    hwy::Prefetch(c + r * ldc);
    hwy::Prefetch(c + r * ldc + kCols - 1);
  }
}

HWY_INLINE void StoreRow(V low, V high, V alpha, float beta, float* HWY_RESTRICT c) {
  const D d;
  low = hn::Mul(low, alpha);
  high = hn::Mul(high, alpha);
  if (beta != 0.0F) {
    const V b = hn::Set(d, beta);
    low = hn::Add(low, hn::Mul(hn::LoadU(d, c), b));
    high = hn::Add(high, hn::Mul(hn::LoadU(d, c + kLanes), b));
  }
  hn::StoreU(low, d, c);
  hn::StoreU(high, d, c + kLanes);
}

// c = alpha * a b + beta * c, tile by tile. kMicro(depth, alpha, a, b, beta, c, ldc): one tile of kRows x
// kCols; `units`: floats that a packed row or column of this depth takes.
template <auto kMicro>
HWY_INLINE void Tiles(std::int64_t units, std::int64_t rows, std::int64_t cols, std::int64_t depth,
                      float alpha, const float* a, const float* b, std::int64_t b_stride, float beta,
                      float* c, std::int64_t ldc) {
  HWY_ALIGN float tile[kRows * kCols];
  const std::int64_t panels = (rows + kRows - 1) / kRows;
  for (std::int64_t j = 0; j < cols; j += kCols) {
    const float* b_panel = b + j / kCols * b_stride;
    const std::int64_t width = std::min(kCols, cols - j);
    // The next panel of b comes from far away: each panel of a brings its share of it nearer.
    const float* next = j + kCols < cols ? b_panel + b_stride : b_panel;
    const std::int64_t share = (units * kCols + panels - 1) / panels;
    for (std::int64_t i = 0; i < rows; i += kRows) {
      const std::int64_t from = i / kRows * share;
      for (std::int64_t l = from; l < std::min(from + share, units * kCols); l += 16) hwy::Prefetch(next + l);
      const float* a_panel = a + i * units;
      float* to = c + i * ldc + j;
      const std::int64_t height = std::min(kRows, rows - i);
      if (width == kCols && height == kRows) {
        kMicro(depth, alpha, a_panel, b_panel, beta, to, ldc);
        continue;
      }
      kMicro(depth, alpha, a_panel, b_panel, 0.0F, tile, kCols);
      for (std::int64_t r = 0; r < height; ++r) {
        float* row = to + r * ldc;
        for (std::int64_t q = 0; q < width; ++q) {
          row[q] = beta == 0.0F ? tile[r * kCols + q] : tile[r * kCols + q] + row[q] * beta;
        }
      }
    }
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LQ_KERNELS_CPU_GEMM_TILES_INL_H_
