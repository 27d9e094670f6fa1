// The leading singular triplets of a matrix from products with thin matrices (Halko, Martinsson, Tropp,
// 2011).
#pragma once

#include <cstdint>
#include <vector>

#include "base/parallel.h"

namespace lq {

struct RandomizedSvdOptions {
  std::int64_t rank = 0;
  std::int64_t oversampling = 10;  // further directions carried along, as far as the matrix has them
  int power_iterations = 2;        // each one a product with a and one with a^T
  std::uint64_t seed = 0;          // of the Gaussian test matrix
  std::uint64_t stream = 0;
  // Rows [start_rows, n] that begin the search in place of random ones, e.g. vt of a nearby matrix.
  const float* start = nullptr;
  std::int64_t start_rows = 0;
};

// a ~ u diag(s) vt.
struct LowRankSvd {
  std::vector<float> u;   // [m, rank], orthonormal columns
  std::vector<float> s;   // [rank], descending, >= 0
  std::vector<float> vt;  // [rank, n], orthonormal rows
};

// a: [m, n], finite; any shape and rank, zero included. REQUIRES: 0 <= rank <= min(m, n).
// The same bits on any number of threads.
LowRankSvd randomized_svd(ThreadPool& pool, std::int64_t m, std::int64_t n, const float* a,
                          const RandomizedSvdOptions& options);

}  // namespace lq
