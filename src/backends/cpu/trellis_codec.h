// Decoding of a trellis code on the CPU, and its products with a few vectors: SIMD versions, chosen at run
// time. Decoded values are those of quant/trellis/trellis_reference.h, bit for bit, on every target.
#pragma once

#include <cstdint>

#include "backends/packed_view.h"
#include "base/parallel.h"

namespace lq::backends {

// The first-level scales of `rows` rows from `row` on, as they come back: out[block][row - first row], of 16
// rows a block (those past the matrix 0). REQUIRES: row % 16 == 0.
void trellis_strip_scales(const PackedView& w, std::int64_t row, float* out);
// Floats that trellis_strip_scales writes.
std::int64_t trellis_strip_scales_size(const PackedView& w);

// out[i] = element begin + i of the matrix flattened row-major, for i < count, in this thread. Reads nothing
// outside the parts, whatever their bytes.
void trellis_decode(const PackedView& w, std::int64_t begin, std::int64_t count, float* out);

// out[rows * cols] = the whole matrix.
void trellis_decode(ThreadPool& pool, const PackedView& w, float* out);

// y[j, i] = sum_k w[i, k] x[j, k] for 1 <= count <= kGemvVectors.   x: [count, cols], y: [count, rows].
// On processors with 256-bit vectors activations are rounded to 14 bits under one scale for each block of the
// matrix's columns (an error of at most 1/32766 of the largest there; `coarse`, with AVX-512 VNNI: to 8 bits,
// 1/254), sums are exact up to the block, then f32: without `coarse` the same bits on all of them; elsewhere
// rows are decoded and multiplied in f32. scratch: trellis_few_scratch() floats, 32-byte aligned. The same
// bits on any number of threads.
void trellis_few(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t count, float* y,
                 float* scratch, bool coarse);
std::int64_t trellis_few_scratch(const PackedView& w, std::int64_t count);

}  // namespace lq::backends
