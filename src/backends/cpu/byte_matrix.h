// A matrix rounded to 8 bits for products with one vector: half the bytes of bf16 for what memory bounds.
// Each 64 values of a row lie evenly spaced between -127 and 127 times a scale of their own.
#pragma once

#include <cstdint>

#include "backends/cpu/transformer_gemv.h"
#include "base/parallel.h"

namespace lq::backends {

struct ByteMatrix {
  const std::int8_t* values;  // [rows, cols], in the order of NfGemvInput within each 32
  const float* scales;        // [rows, cols / 64]; NaN for values that are not all finite
  std::int64_t rows;
  std::int64_t cols;
};

// Whether this processor has byte_gemv for rows of this length: whole groups of 64.
bool byte_gemv_has(std::int64_t cols);

// Rounds w: [rows, cols] of `type` to values and scales as above. Error of a value: at most half its scale
// (all of it where no value of the 64 exceeds 1e-30). REQUIRES: cols % 64 == 0.
void byte_encode(ThreadPool& pool, DenseType type, const void* w, std::int64_t rows, std::int64_t cols,
                 std::int8_t* values, float* scales);

// Floats of scratch for byte_gemv.
std::int64_t byte_gemv_scratch(std::int64_t cols);

// y[i] = sum_k w[i, k] x[k], x rounded to 14 bits (nf_gemv_input.h), sums of a group exact.   x: [cols], y:
// [rows]. REQUIRES: byte_gemv_has(cols); scratch 32-byte aligned. The same bits on any number of threads.
void byte_gemv(ThreadPool& pool, const ByteMatrix& w, const float* x, float* y, float* scratch);

}  // namespace lq::backends
