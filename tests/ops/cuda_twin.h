// A block of CUDA threads run on the processor, phase by phase, for the op driver's twins.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "backends/cuda/product_tile.h"

namespace lq::op_driver {

// backends/cuda/product.cu's kernel: every tile, every barrier, every thread.
inline void multiply_as_threads(const backends::cuda::Product& q) {
  namespace cuda = backends::cuda;
  std::vector<cuda::ProductSums> sums(cuda::kThreads);
  cuda::ProductTile tile;
  for (std::int64_t row = 0; row < q.m; row += cuda::kSide) {
    for (std::int64_t col = 0; col < q.n; col += cuda::kSide) {
      std::fill(sums.begin(), sums.end(), cuda::ProductSums{});
      for (std::int64_t p = 0; p < q.k; p += cuda::kDepth) {
        for (int t = 0; t < cuda::kThreads; ++t)
          cuda::load_tiles(q, q.b.codebook.codebook, row, col, p, t, tile);
        const int depth = static_cast<int>(std::min<std::int64_t>(cuda::kDepth, q.k - p));
        for (int t = 0; t < cuda::kThreads; ++t)
          cuda::multiply_tiles(tile, depth, t, sums[static_cast<std::size_t>(t)]);
      }
      for (int t = 0; t < cuda::kThreads; ++t)
        cuda::store_tile(q, row, col, t, sums[static_cast<std::size_t>(t)]);
    }
  }
}

// The decoding kernel: every thread's run of four.
inline void decode_as_threads(const backends::PackedView& w, std::int64_t begin, std::int64_t end,
                              float* out) {
  constexpr std::int64_t kRun = 4;
  for (std::int64_t at = begin / kRun * kRun; at < end; at += kRun) {
    const std::int64_t from = std::max(at, begin);
    const std::int64_t to = std::min(at + kRun, end);
    backends::cuda::decode_run(w, w.codebook.codebook, from, static_cast<int>(to - from),
                               out + (from - begin));
  }
}

}  // namespace lq::op_driver
