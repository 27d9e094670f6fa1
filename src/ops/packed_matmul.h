// Products with the weight of a linear layer, in whatever layout it is stored: W [rows, cols] = [outputs,
// inputs] (backends/packed_view.h). Shapes are checked here; then one switch on the device. What a device has
// to provide: the general products forward and backward, the decoding of a run of rows, and, where it pays, a
// product for a few rows of x straight from the stored form.
//
// A device is right when it decodes to the same f32 values as the CPU, bit for bit, and its products are
// within the bound of a sum in any order: (cols + 4) * eps * sum |w x|; products for few rows and those in
// the context's coarser precisions within the bound that backends/cpu/nf_gemv.h and gemm_i16_kernel.h derive.
#pragma once

#include <cstdint>
#include <span>

#include "backends/packed_view.h"
#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/workspace.h"

namespace lq {

// At most this many rows of x take the direct path on the processor (8 on CUDA devices).
inline constexpr std::int64_t kPackedFewRows = 4;

// y = x W^T.    x: [n, cols], y: [n, rows]. n <= kPackedFewRows: from the stored form, where the layout can,
// in the context's DecodePrecision; else in its MatmulPrecision. The same bits on any number of threads.
void packed_matmul_forward(Context& ctx, Workspace& ws, const backends::PackedView& w, ConstMatrix x,
                           Matrix y);

// One of several products with few rows.
struct FewProduct {
  backends::PackedView w;
  ConstMatrix x;
  Matrix y;
  float alpha = 1.0F;
  bool accumulate = false;
};
// Whether packed_matmul_few() takes products of this x: up to 8 rows on a device other than the processor.
bool takes_few_together(ConstMatrix x);
// y = alpha x W^T, or y += it, for all of them in as few launches as their layouts allow, in the context's
// DecodePrecision. The outputs are apart from each other and from every x. REQUIRES: the same number of rows.
void packed_matmul_few(Context& ctx, std::span<const FewProduct> products);

// dx = dy W, or dx += dy W.    dy: [n, rows], dx: [n, cols]. In the context's MatmulPrecision.
void packed_matmul_backward(Context& ctx, const backends::PackedView& w, ConstMatrix dy, Matrix dx,
                            bool accumulate);

// out[count, cols] = rows [begin, begin + count) in f32, in memory of the weight's device.
void packed_rows(Context& ctx, const backends::PackedView& w, std::int64_t begin, std::int64_t count,
                 float* out);

}  // namespace lq
