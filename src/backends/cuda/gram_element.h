// Products of a thin matrix with itself, and factors of its sides, as CUDA threads share them (gram.cu).
#pragma once

#include <cstdint>

#include "backends/cuda/host_device.h"

namespace lq::backends::cuda {

inline constexpr int kGramSide = 16;  // of a square of sums, one a thread
inline constexpr int kGramThreads = kGramSide * kGramSide;
inline constexpr std::int64_t kGramRun = 512;  // terms that a block of threads adds in order

// k vectors of `count` elements: element t of vector i is x[t * step + i * next], one of which is 1.
struct GramInput {
  const float* x = nullptr;
  std::int64_t count = 0, k = 0;
  std::int64_t step = 1, next = 1;
};

// kGramSide elements of kGramSide vectors: [element][vector].
struct GramTile {
  float left[kGramSide][kGramSide + 1];
  float right[kGramSide][kGramSide + 1];
};

LQ_HOST_DEVICE inline float gram_element(const GramInput& g, std::int64_t t, std::int64_t end,
                                         std::int64_t i) {
  return t < end && i < g.k ? g.x[t * g.step + i * g.next] : 0.0F;
}

// Phase 1: a thread's element on each side, such that neighbours read neighbours. Elements from `at` on, and
// below `end`, of vectors from i0 and j0 on.
LQ_HOST_DEVICE inline void load_gram(const GramInput& g, std::int64_t at, std::int64_t end, std::int64_t i0,
                                     std::int64_t j0, int thread, GramTile& tile) {
  const int fast = thread % kGramSide;
  const int slow = thread / kGramSide;
  const int t = g.next == 1 ? slow : fast;
  const int v = g.next == 1 ? fast : slow;
  tile.left[t][v] = gram_element(g, at + t, end, i0 + v);
  tile.right[t][v] = gram_element(g, at + t, end, j0 + v);
}

// Phase 2: the sum of thread (i, j) = (thread / kGramSide, thread % kGramSide) moves on.
LQ_HOST_DEVICE inline void add_gram(const GramTile& tile, int thread, double& sum) {
  const int i = thread / kGramSide;
  const int j = thread % kGramSide;
  for (int t = 0; t < kGramSide; ++t)
    sum += static_cast<double>(tile.left[t][i]) * static_cast<double>(tile.right[t][j]);
}

// A thread a sum: the runs' in order.
struct AddRuns {
  std::int64_t runs, squares;  // squares: k * k
  const double* parts;         // [runs, k, k]
  double* out;                 // [k, k]
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    double sum = 0.0;
    for (std::int64_t run = 0; run < runs; ++run) sum += parts[run * squares + i];
    out[i] = sum;
  }
};

// x[i, j] *= by_row[i] * by_col[j]; null: ones.
struct ScaleSides {
  std::int64_t cols;
  const float *by_row, *by_col;
  float* x;
  LQ_HOST_DEVICE void operator()(std::int64_t i) const {
    if (by_row != nullptr) x[i] = x[i] * by_row[i / cols];
    if (by_col != nullptr) x[i] = x[i] * by_col[i % cols];
  }
};

}  // namespace lq::backends::cuda
