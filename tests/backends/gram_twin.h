// backends/cuda/gram.cu's kernels on the processor: every block, phase by phase and thread by thread.
#pragma once

#include <algorithm>
#include <vector>

#include "backends/cuda/gram_element.h"

namespace lq::backends {

inline std::vector<double> gram_as_threads(const cuda::GramInput& g) {
  const std::int64_t runs = (g.count + cuda::kGramRun - 1) / cuda::kGramRun;
  const std::int64_t squares = g.k * g.k;
  std::vector<double> parts(static_cast<std::size_t>(runs * squares));
  cuda::GramTile tile;
  for (std::int64_t run = 0; run < runs; ++run) {
    const std::int64_t begin = run * cuda::kGramRun;
    const std::int64_t end = std::min(g.count, begin + cuda::kGramRun);
    for (std::int64_t i0 = 0; i0 < g.k; i0 += cuda::kGramSide) {
      for (std::int64_t j0 = 0; j0 <= i0; j0 += cuda::kGramSide) {
        std::vector<double> sums(cuda::kGramThreads, 0.0);
        for (std::int64_t at = begin; at < end; at += cuda::kGramSide) {
          for (int t = 0; t < cuda::kGramThreads; ++t) cuda::load_gram(g, at, end, i0, j0, t, tile);
          for (int t = 0; t < cuda::kGramThreads; ++t)
            cuda::add_gram(tile, t, sums[static_cast<std::size_t>(t)]);
        }
        for (int t = 0; t < cuda::kGramThreads; ++t) {
          const std::int64_t i = i0 + t / cuda::kGramSide;
          const std::int64_t j = j0 + t % cuda::kGramSide;
          if (i >= g.k || j >= g.k) continue;
          parts[static_cast<std::size_t>(run * squares + i * g.k + j)] = sums[static_cast<std::size_t>(t)];
          parts[static_cast<std::size_t>(run * squares + j * g.k + i)] = sums[static_cast<std::size_t>(t)];
        }
      }
    }
  }
  std::vector<double> out(static_cast<std::size_t>(squares));
  const cuda::AddRuns add{runs, squares, parts.data(), out.data()};
  for (std::int64_t i = 0; i < squares; ++i) add(i);
  return out;
}

}  // namespace lq::backends
