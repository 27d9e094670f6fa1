// Matrix products in f32. The output is cut into tiles whose size depends on the shape only; each tile is one
// single-threaded oneDNN call, and long inner dimensions are summed in chunks in a fixed order: the same bits
// on any number of threads.
#pragma once

#include <cstdint>

#include "base/parallel.h"

namespace lq::kernels {

struct GemmOptions {
  bool trans_a = false;  // a is [k, m] in memory
  bool trans_b = false;  // b is [n, k] in memory
  float alpha = 1.0F;
  float beta = 0.0F;  // 0: c is written without being read
};

// c[m, n] = alpha * op(a)[m, k] * op(b)[k, n] + beta * c. Row-major; lda, ldb, ldc: elements between rows in
// memory. REQUIRES: c overlaps neither a nor b. Thread-safe; inside a pool body it runs in the calling
// thread.
void gemm(ThreadPool& pool, std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda,
          const float* b, std::int64_t ldb, float* c, std::int64_t ldc, const GemmOptions& options = {});

// Name and version of the library underneath, for `lqlora version`.
const char* gemm_library();

}  // namespace lq::kernels
