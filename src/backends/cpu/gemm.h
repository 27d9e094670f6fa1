// Matrix products of f32 matrices. Both operands are copied, piece by piece, into the order in which the
// innermost loop reads them (gemm_kernel.h): b once for all threads, a by each job for itself. A packed
// weight is never dense: its rows are made where they are copied. Every element is summed in an order that
// depends on the shape only: the same bits on any number of threads.
#pragma once

#include <cstdint>
#include <functional>

#include "base/parallel.h"

namespace lq::backends {

// kI16: both operands are rounded to 16-bit integers, each 64 elements along the inner dimension under a
// scale of their own, and multiplied exactly: an error of 2e-4 of the product of the norms
// (gemm_i16_kernel.h), between that of f32 and of TF32, in two thirds of the time at best.
enum class GemmPrecision : std::uint8_t { kF32, kI16 };

struct GemmOptions {
  bool trans_a = false;  // a is [k, m] in memory
  bool trans_b = false;  // b is [n, k] in memory
  float alpha = 1.0F;
  float beta = 0.0F;  // 0: c is written without being read
  GemmPrecision precision = GemmPrecision::kF32;
};

// c[m, n] = alpha * op(a)[m, k] * op(b)[k, n] + beta * c. Row-major; lda, ldb, ldc: elements between rows in
// memory. REQUIRES: c overlaps neither a nor b. Thread-safe; inside a pool body it runs in the calling
// thread.
void gemm(ThreadPool& pool, std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda,
          const float* b, std::int64_t ldb, float* c, std::int64_t ldc, const GemmOptions& options = {});

// Makes rows [begin, begin + count) of a matrix, one after the other without gaps. Called from several
// threads.
using GemmRows = std::function<void(std::int64_t begin, std::int64_t count, float* out)>;

// The same for a b that exists row by row only (a packed weight): [n, k] with trans_b, else [k, n]. Each row
// is made once, where it is needed, and never lies in memory as a whole. REQUIRES: k > 0.
void gemm_rows(ThreadPool& pool, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
               std::int64_t lda, const GemmRows& b, float* c, std::int64_t ldc,
               const GemmOptions& options = {});

// What multiplies, for `lqlora version`.
const char* gemm_library();

}  // namespace lq::backends
