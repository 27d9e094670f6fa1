// The pieces that a matrix product is made of, for the best instructions of this processor: operands copied
// into the order in which the innermost loop reads them, and that loop (Goto & van de Geijn 2008).
//
// Packed a: panels of kGemmRows rows, each [depth, kGemmRows]. Packed b: panels of gemm_panel_cols() columns,
// each [depth, columns]. Rows and columns that would be missing from the last panel are zeros.
#pragma once

#include <cstdint>

namespace lq::backends {

inline constexpr std::int64_t kGemmRows = 6;  // with two vectors of columns, twelve sums in registers

// Columns of a packed panel of b: two vectors.
std::int64_t gemm_panel_cols();

// Packs a[rows, depth] (trans: stored as [depth, rows]).
void gemm_pack_a(bool trans, std::int64_t rows, std::int64_t depth, const float* a, std::int64_t lda,
                 float* to);

// Packs b[depth, cols] (trans: stored as [cols, depth]) into panels of which each starts `stride` floats
// after the one before.
void gemm_pack_b(bool trans, std::int64_t depth, std::int64_t cols, const float* b, std::int64_t ldb,
                 float* to, std::int64_t stride);

// c[rows, cols] = alpha * a b + beta * c for packed operands of one depth. beta = 0: c is not read. Each
// element is summed in the order of depth, whatever rows and cols are.
void gemm_block(std::int64_t rows, std::int64_t cols, std::int64_t depth, float alpha, const float* a,
                const float* b, std::int64_t b_stride, float beta, float* c, std::int64_t ldc);

// A way to multiply. Every kernel has the panels above, kGemmRows rows or gemm_panel_cols() columns each;
// what lies in them is its own. All lengths along the inner dimension.
struct GemmKernel {
  std::int64_t granule;  // where the inner dimension is cut for another pass, it is at a multiple of this
  std::int64_t strip;    // b as [depth, cols] may be packed in pieces that begin at multiples of this
  std::int64_t depth;    // steps that a pass takes: panels of a and b of this depth lie in L1
  std::int64_t (*units)(std::int64_t depth);  // floats that a row or column of a panel takes
  void (*pack_a)(bool trans, std::int64_t rows, std::int64_t depth, const float* a, std::int64_t lda,
                 float* to);
  void (*pack_b)(bool trans, std::int64_t depth, std::int64_t cols, const float* b, std::int64_t ldb,
                 float* to, std::int64_t stride);
  void (*block)(std::int64_t rows, std::int64_t cols, std::int64_t depth, float alpha, const float* a,
                const float* b, std::int64_t b_stride, float beta, float* c, std::int64_t ldc);
};

const GemmKernel& gemm_kernel_f32();

}  // namespace lq::backends
