// Decomposition on a CUDA device: of the 7B shape's matrices each shape once, and all 224 of them by that.
#pragma once

#include "decompose/decompose.h"
#include "decompose/device_alternation.h"
#include "device_bench.h"

namespace lq {

// NF3, r 64, 25 iterations, packed: from a matrix in f32 of the host to codes and factors there.
inline double time_decomposition(std::int64_t rows, std::int64_t cols, double& error) {
  OnDevice d;
  std::vector<float> w(static_cast<std::size_t>(rows * cols));
  Rng(3).fill_normal(d.ctx.pool, w.data(), rows * cols);
  for (float& x : w) x *= 0.02F;
  const auto quantizer = make_quantizer({"nf", "3,8,fp32,64,256"});
  DecomposeOptions options;
  options.rank = kRank;
  options.max_iterations = 25;
  options.tolerance = 0.0;
  double best = 0.0;
  for (int i = 0; i < 3; ++i) {
    const double begin = monotonic_seconds();
    const Decomposition result = decompose(d.ctx, w.data(), rows, cols, *quantizer, options);
    const double seconds = monotonic_seconds() - begin;
    if (i == 1 || (i > 1 && seconds < best)) best = seconds;  // the first one warms up
    error = result.relative_error;
  }
  return best;
}

inline void decomposition_rows() {
  struct Shape {
    std::int64_t rows, cols, count;
  };
  double all = 0.0;
  for (const Shape& s : {Shape{4096, 4096, 4}, Shape{11008, 4096, 2}, Shape{4096, 11008, 1}}) {
    double error = 0.0;
    const double seconds = time_decomposition(s.rows, s.cols, error);
    all += static_cast<double>(kLayers7b * s.count) * seconds;
    std::printf(
        "LQ of %lld x %lld, NF3, r 64, 25 iterations, packed | %.1f ms (relative error %.6f; %.2f GiB)\n",
        static_cast<long long>(s.rows), static_cast<long long>(s.cols), seconds * 1e3, error,
        static_cast<double>(device_alternation_bytes(s.rows, s.cols, kRank, 10, false, false, false)) /
            (1 << 30));
    std::fflush(stdout);
  }
  std::printf("LQ of the 7B shape's 224 matrices, one after the other | %.1f s\n", all);
  std::fflush(stdout);
}

}  // namespace lq
