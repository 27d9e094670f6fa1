// c = alpha op(a) op(b) + beta c for a packed or dense b, as a block of CUDA threads computes a square tile
// of c (product.cu). What a thread does between two barriers is one function here, so that a test can run a
// block on the processor, phase by phase and thread by thread. Every element is summed over k in rising
// order, one product and one addition at a time: the same bits in every run.
#pragma once

#include <cstdint>

#include "backends/cuda/host_device.h"
#include "backends/cuda/packed_element.h"
#include "backends/packed_view.h"

namespace lq::backends::cuda {

// What the factors may be rounded to; sums are in f32 always.
enum class Precision : std::uint8_t { kF32, kTf32, kBf16 };

struct Product {
  std::int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;  // [m, k], or [k, m] with trans_a
  PackedView b = {};         // [k, n], or [n, k] with trans_b
  float* c = nullptr;        // [m, n]
  bool trans_a = false;
  bool trans_b = false;
  float alpha = 1.0F;
  float beta = 0.0F;  // 0: c is written without being read
  Precision precision = Precision::kF32;
  // Elements from row to row in memory; 0: rows have no gaps. ldb: of a dense b. REQUIRES: precision is not
  // kBf16 where one is given.
  std::int64_t lda = 0, ldb = 0, ldc = 0;
};

LQ_HOST_DEVICE inline std::int64_t stride_a(const Product& q) {
  return q.lda != 0 ? q.lda : q.trans_a ? q.m : q.k;
}
LQ_HOST_DEVICE inline std::int64_t stride_b(const Product& q) {
  return q.ldb != 0 ? q.ldb : q.trans_b ? q.k : q.n;
}
LQ_HOST_DEVICE inline std::int64_t stride_c(const Product& q) { return q.ldc != 0 ? q.ldc : q.n; }

inline constexpr int kSide = 64;   // rows and columns of a tile of c
inline constexpr int kDepth = 16;  // of k that lie in shared memory at once
inline constexpr int kThreads = 256;
inline constexpr int kOwn = 4;  // rows and columns of c that a thread sums; elements that it loads in a run
inline constexpr int kAcross = kSide / kOwn;  // threads along a side
static_assert(kAcross * kAcross == kThreads && kThreads * kOwn == kSide * kDepth, "one run a thread");

struct ProductTile {
  float a[kDepth][kSide];
  float b[kDepth][kSide];
};

// Where a thread's run of kOwn elements of a tile lies. Along k: in one row of c; else across rows.
struct TileRun {
  int depth, side;
};
LQ_HOST_DEVICE inline TileRun run_of(int thread, bool along_k) {
  constexpr int kRuns = kDepth / kOwn;
  if (along_k) return {thread % kRuns * kOwn, thread / kRuns};
  return {thread / kAcross, thread % kAcross * kOwn};
}

// How many of a run's elements exist where `extent` bounds the direction that it goes along.
LQ_HOST_DEVICE inline int inside(std::int64_t at, std::int64_t extent) {
  const std::int64_t left = extent - at;
  return static_cast<int>(left < 0 ? 0 : left < kOwn ? left : kOwn);
}

// Phase 1: the thread's parts of the tiles of a and b that begin at (row, p) and (p, col); zeros outside.
LQ_HOST_DEVICE inline void load_tiles(const Product& q, const float* codebook, std::int64_t row,
                                      std::int64_t col, std::int64_t p, int thread, ProductTile& tile) {
  const TileRun ra = run_of(thread, !q.trans_a);
  const std::int64_t ai = row + ra.side;
  const std::int64_t ap = p + ra.depth;
  const int a_count = q.trans_a ? (ap < q.k ? inside(ai, q.m) : 0) : (ai < q.m ? inside(ap, q.k) : 0);
  const float* const a = q.trans_a ? q.a + ap * stride_a(q) + ai : q.a + ai * stride_a(q) + ap;
  for (int e = 0; e < kOwn; ++e) {
    const float value = e < a_count ? a[e] : 0.0F;
    if (q.trans_a) {
      tile.a[ra.depth][ra.side + e] = value;
    } else {
      tile.a[ra.depth + e][ra.side] = value;
    }
  }
  const TileRun rb = run_of(thread, q.trans_b);
  const std::int64_t bj = col + rb.side;
  const std::int64_t bp = p + rb.depth;
  const int b_count = q.trans_b ? (bj < q.n ? inside(bp, q.k) : 0) : (bp < q.k ? inside(bj, q.n) : 0);
  float run[kOwn] = {};
  const std::int64_t b_at = q.trans_b ? bj * stride_b(q) + bp : bp * stride_b(q) + bj;
  if (b_count > 0) decode_run(q.b, codebook, b_at, b_count, run);
  for (int e = 0; e < kOwn; ++e) {
    if (q.trans_b) {
      tile.b[rb.depth + e][rb.side] = run[e];
    } else {
      tile.b[rb.depth][rb.side + e] = run[e];
    }
  }
}

struct ProductSums {
  float sum[kOwn][kOwn];
};

// Phase 2: the thread's sums move on by the tiles; `depth` of their kDepth steps exist.
LQ_HOST_DEVICE inline void multiply_tiles(const ProductTile& tile, int depth, int thread, ProductSums& sums) {
  const int i0 = thread / kAcross * kOwn;
  const int j0 = thread % kAcross * kOwn;
  for (int p = 0; p < depth; ++p) {
    for (int i = 0; i < kOwn; ++i) {
      for (int j = 0; j < kOwn; ++j) sums.sum[i][j] += tile.a[p][i0 + i] * tile.b[p][j0 + j];
    }
  }
}

// At the end: the thread's elements of c in the tile at (row, col).
LQ_HOST_DEVICE inline void store_tile(const Product& q, std::int64_t row, std::int64_t col, int thread,
                                      const ProductSums& sums) {
  for (int i = 0; i < kOwn; ++i) {
    const std::int64_t ci = row + thread / kAcross * kOwn + i;
    for (int j = 0; j < kOwn; ++j) {
      const std::int64_t cj = col + thread % kAcross * kOwn + j;
      if (ci >= q.m || cj >= q.n) continue;
      float& c = q.c[ci * stride_c(q) + cj];
      c = q.beta == 0.0F ? q.alpha * sums.sum[i][j] : q.alpha * sums.sum[i][j] + q.beta * c;
    }
  }
}

}  // namespace lq::backends::cuda
