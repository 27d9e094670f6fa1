#include "kernels/cpu/gemm_kernel.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemm_kernel.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace lq::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));
constexpr std::int64_t kCols = 2 * kLanes;
constexpr std::int64_t kRows = kGemmRows;

std::int64_t PanelCols() { return kCols; }

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

// One panel of `width` places from `count` rows of `depth` contiguous elements each.
template <std::int64_t kWidth>
HWY_INLINE void PackRows(std::int64_t count, std::int64_t depth, const float* x, std::int64_t ld, float* to) {
  std::int64_t l = 0;
  if (count == kWidth) {
    for (; l + 4 <= depth; l += 4) {
      for (std::int64_t r = 0; r + 4 <= kWidth; r += 4)
        Transpose4(x + r * ld + l, ld, to + l * kWidth + r, kWidth);
      // The last rows again with those before them, where the width is no multiple of four.
      if constexpr (kWidth % 4 != 0) {
        Transpose4(x + (kWidth - 4) * ld + l, ld, to + l * kWidth + kWidth - 4, kWidth);
      }
    }
  }
  for (; l < depth; ++l) {
    for (std::int64_t r = 0; r < kWidth; ++r) to[l * kWidth + r] = r < count ? x[r * ld + l] : 0.0F;
  }
}

// Panels of kWidth places from `width` columns, each step of depth a row.
template <std::int64_t kWidth>
HWY_INLINE void PackColumns(std::int64_t width, std::int64_t depth, const float* x, std::int64_t ld,
                            float* to, std::int64_t stride) {
  constexpr std::int64_t kSteps =
      8;  // so many rows at a time: few pages are open, and panels are written in runs
  const hn::FixedTag<float, 2> d2;
  for (std::int64_t l0 = 0; l0 < depth; l0 += kSteps) {
    const std::int64_t l1 = std::min(depth, l0 + kSteps);
    for (std::int64_t p = 0; p * kWidth < width; ++p) {
      const std::int64_t count = std::min(kWidth, width - p * kWidth);
      float* panel = to + p * stride;
      const float* from = x + p * kWidth;
      for (std::int64_t l = l0; l < l1; ++l) {
        if (count == kWidth) {
          for (std::int64_t r = 0; r < kWidth; r += 2) {
            hn::StoreU(hn::LoadU(d2, from + l * ld + r), d2, panel + l * kWidth + r);
          }
        } else {
          for (std::int64_t r = 0; r < kWidth; ++r)
            panel[l * kWidth + r] = r < count ? from[l * ld + r] : 0.0F;
        }
      }
    }
  }
}

void PackA(bool trans, std::int64_t rows, std::int64_t depth, const float* a, std::int64_t lda, float* to) {
  if (trans) return PackColumns<kRows>(rows, depth, a, lda, to, depth * kRows);
  for (std::int64_t i = 0; i < rows; i += kRows) {
    PackRows<kRows>(std::min(kRows, rows - i), depth, a + i * lda, lda, to + i * depth);
  }
}

void PackB(bool trans, std::int64_t depth, std::int64_t cols, const float* b, std::int64_t ldb, float* to,
           std::int64_t stride) {
  if (!trans) return PackColumns<kCols>(cols, depth, b, ldb, to, stride);
  for (std::int64_t j = 0; j < cols; j += kCols) {
    PackRows<kCols>(std::min(kCols, cols - j), depth, b + j * ldb, ldb, to + j / kCols * stride);
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

// c[6, kCols] = alpha * a b + beta * c for one panel of each.
HWY_INLINE void Micro(std::int64_t depth, float scale, const float* HWY_RESTRICT a,
                      const float* HWY_RESTRICT b, float beta, float* HWY_RESTRICT c, std::int64_t ldc) {
  const D d;
  V c00 = hn::Zero(d), c01 = hn::Zero(d);
  V c10 = hn::Zero(d), c11 = hn::Zero(d);
  V c20 = hn::Zero(d), c21 = hn::Zero(d);
  V c30 = hn::Zero(d), c31 = hn::Zero(d);
  V c40 = hn::Zero(d), c41 = hn::Zero(d);
  V c50 = hn::Zero(d), c51 = hn::Zero(d);
  if (beta != 0.0F) {
    for (std::int64_t r = 0; r < kRows; ++r) {
      hwy::Prefetch(c + r * ldc);
      hwy::Prefetch(c + r * ldc + kCols - 1);
    }
  }
  for (std::int64_t l = 0; l < depth; ++l) {
    const V b0 = hn::Load(d, b);
    const V b1 = hn::Load(d, b + kLanes);
    V x = hn::Set(d, a[0]);
    c00 = hn::MulAdd(x, b0, c00);
    c01 = hn::MulAdd(x, b1, c01);
    x = hn::Set(d, a[1]);
    c10 = hn::MulAdd(x, b0, c10);
    c11 = hn::MulAdd(x, b1, c11);
    x = hn::Set(d, a[2]);
    c20 = hn::MulAdd(x, b0, c20);
    c21 = hn::MulAdd(x, b1, c21);
    x = hn::Set(d, a[3]);
    c30 = hn::MulAdd(x, b0, c30);
    c31 = hn::MulAdd(x, b1, c31);
    x = hn::Set(d, a[4]);
    c40 = hn::MulAdd(x, b0, c40);
    c41 = hn::MulAdd(x, b1, c41);
    x = hn::Set(d, a[5]);
    c50 = hn::MulAdd(x, b0, c50);
    c51 = hn::MulAdd(x, b1, c51);
    a += kRows;
    b += kCols;
  }
  const V alpha = hn::Set(d, scale);
  StoreRow(c00, c01, alpha, beta, c);
  StoreRow(c10, c11, alpha, beta, c + ldc);
  StoreRow(c20, c21, alpha, beta, c + 2 * ldc);
  StoreRow(c30, c31, alpha, beta, c + 3 * ldc);
  StoreRow(c40, c41, alpha, beta, c + 4 * ldc);
  StoreRow(c50, c51, alpha, beta, c + 5 * ldc);
}

void Block(std::int64_t rows, std::int64_t cols, std::int64_t depth, float alpha, const float* a,
           const float* b, std::int64_t b_stride, float beta, float* c, std::int64_t ldc) {
  HWY_ALIGN float tile[kRows * kCols];
  const std::int64_t panels = (rows + kRows - 1) / kRows;
  for (std::int64_t j = 0; j < cols; j += kCols) {
    const float* b_panel = b + j / kCols * b_stride;
    const std::int64_t width = std::min(kCols, cols - j);
    // The next panel of b comes from far away: each panel of a brings its share of it nearer.
    const float* next = j + kCols < cols ? b_panel + b_stride : b_panel;
    const std::int64_t share = (depth * kCols + panels - 1) / panels;
    for (std::int64_t i = 0; i < rows; i += kRows) {
      const std::int64_t from = i / kRows * share;
      for (std::int64_t l = from; l < std::min(from + share, depth * kCols); l += 16) hwy::Prefetch(next + l);
      const float* a_panel = a + i * depth;
      float* to = c + i * ldc + j;
      const std::int64_t height = std::min(kRows, rows - i);
      if (width == kCols && height == kRows) {
        Micro(depth, alpha, a_panel, b_panel, beta, to, ldc);
        continue;
      }
      Micro(depth, alpha, a_panel, b_panel, 0.0F, tile, kCols);
      for (std::int64_t r = 0; r < height; ++r) {
        float* row = to + r * ldc;
        for (std::int64_t q = 0; q < width; ++q) {
          row[q] = beta == 0.0F ? tile[r * kCols + q] : tile[r * kCols + q] + row[q] * beta;
        }
      }
    }
  }
}

}  // namespace lq::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::kernels {
HWY_EXPORT(PanelCols);
HWY_EXPORT(PackA);
HWY_EXPORT(PackB);
HWY_EXPORT(Block);

std::int64_t gemm_panel_cols() { return HWY_DYNAMIC_DISPATCH(PanelCols)(); }

void gemm_pack_a(bool trans, std::int64_t rows, std::int64_t depth, const float* a, std::int64_t lda,
                 float* to) {
  HWY_DYNAMIC_DISPATCH(PackA)(trans, rows, depth, a, lda, to);
}

void gemm_pack_b(bool trans, std::int64_t depth, std::int64_t cols, const float* b, std::int64_t ldb,
                 float* to, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(PackB)(trans, depth, cols, b, ldb, to, stride);
}

void gemm_block(std::int64_t rows, std::int64_t cols, std::int64_t depth, float alpha, const float* a,
                const float* b, std::int64_t b_stride, float beta, float* c, std::int64_t ldc) {
  HWY_DYNAMIC_DISPATCH(Block)(rows, cols, depth, alpha, a, b, b_stride, beta, c, ldc);
}

}  // namespace lq::kernels
#endif
