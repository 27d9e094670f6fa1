#include "backends/cpu/gemm_kernel.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/gemm_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that it is compiled for every target.
#include "backends/cpu/gemm_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

std::int64_t PanelCols() { return kCols; }

// One panel of kWidth places from `count` rows of `depth` contiguous elements each.
template <std::int64_t kWidth>
HWY_INLINE void PackRows(std::int64_t count, std::int64_t depth, const float* x, std::int64_t ld, float* to) {
  std::int64_t l = count == kWidth ? depth / 4 * 4 : 0;
  TransposeRows<kWidth>(l, x, ld, to);
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
  if (beta != 0.0F) PrefetchTile(c, ldc);
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
  Tiles<Micro>(depth, rows, cols, depth, alpha, a, b, b_stride, beta, c, ldc);
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
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

const GemmKernel& gemm_kernel_f32() {
  static const GemmKernel kernel = {.granule = 4,
                                    .strip = 32,
                                    .depth = 384,
                                    .units = [](std::int64_t depth) { return depth; },
                                    .pack_a = gemm_pack_a,
                                    .pack_b = gemm_pack_b,
                                    .block = gemm_block};
  return kernel;
}

}  // namespace lq::backends
#endif
