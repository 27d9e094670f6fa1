// Products of a packed matrix with a few vectors, straight from the codes: what decoding a token costs.
//
// Up to 4 bits: the codebook as 14-bit integers looked up by byte shuffles, times activations rounded to 14
// bits under one scale for each 64 of them; exact 32-bit sums over a block, then f32. With c = 1/16383, m the
// largest |codebook value| (1 for NormalFloat) and a = max|x| of each 64 activations, the error of y is at
// most sum over elements of s' * (c/2 * m * |x| + c/2 * a * |code value|), about 1e-4 of |w| |x| added up, in
// practice 5e-5 of y. 8 bits, and rows that do not fill whole groups: rows are dequantized into a buffer, f32
// throughout.
//
// Coarser, for one vector on x86 (elsewhere as above): code values as whole numbers of at most 8 bits, affine
// in the codebook's, times activations of 6 to 7 bits and a sign under one scale for each 64 (int8_gemv.h
// says how the two share 15 bits). 0.6 % to 0.8 % of y, less than a tenth of what rounding weights to NF4
// costs; 12 instructions for 64 weights where the other takes 20.
#pragma once

#include <cstdint>

#include "backends/cpu/int8_gemv.h"
#include "backends/nf_view.h"
#include "base/parallel.h"

namespace lq::backends {

// Floats of scratch that nf_gemv needs for `count` vectors, with levels or without.
std::int64_t nf_gemv_scratch(const NfView& view, std::int64_t count);

// y[j, i] = sum_k w[i, k] x[j, k].   x: [count, cols], y: [count, rows]. REQUIRES: 1 <= count <= 4; scratch
// of nf_gemv_scratch floats, 32-byte aligned; levels, if any, those of the matrix's codebook: one vector is
// then multiplied the coarser way. The same bits on any number of threads.
void nf_gemv(ThreadPool& pool, const NfView& view, const float* x, std::int64_t count, float* y,
             float* scratch, const NfGemvLevels* levels = nullptr);

}  // namespace lq::backends
