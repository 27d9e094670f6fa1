// Products with a weight of any layout: y = x W^T and dx = dy W, W [rows, cols] never dense as a whole.
#pragma once

#include <cstdint>

#include "backends/cpu/gemm.h"
#include "backends/packed_view.h"
#include "base/parallel.h"

namespace lq::backends {

// out[i] = element begin + i, for i < count, of the matrix flattened row-major. REQUIRES: 0 <= begin, begin +
// count <= rows * cols.
void packed_decode(ThreadPool& pool, const PackedView& w, std::int64_t begin, std::int64_t count, float* out);
// out[rows * cols] = the whole matrix. Large outputs may bypass the caches.
void packed_decode(ThreadPool& pool, const PackedView& w, float* out);

// y = x W^T.    x: [n, cols], y: [n, rows]
void packed_forward(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t n, float* y,
                    GemmPrecision precision);
// dx = dy W + beta dx.    dy: [n, rows], dx: [n, cols]
void packed_backward(ThreadPool& pool, const PackedView& w, const float* dy, std::int64_t n, float* dx,
                     float beta, GemmPrecision precision);

// Whether the layout has a product for up to kGemvVectors vectors straight from the stored form.
bool packed_has_few(const PackedView& w);
// Floats of scratch, 32-byte aligned, that packed_few needs for n vectors.
std::int64_t packed_few_scratch(const PackedView& w, std::int64_t n);
// y = x W^T for 1 <= n <= kGemvVectors, with the layout's own kernel. coarse: rounding activations to 8 bits
// is allowed. REQUIRES: packed_has_few(w).
void packed_few(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t n, float* y,
                float* scratch, bool coarse);

}  // namespace lq::backends
