// The alternation between low-rank factors and quantization that every method is a case of.
#pragma once

#include <cstdint>
#include <vector>

#include "decompose/residual_space.h"
#include "linalg/subspace_tracker.h"
#include "tensor/context.h"

namespace lq {

// u b, in weighted coordinates: what the loop steps through.
struct Iterate {
  std::vector<float> u;  // [rows, rank]; empty: zero
  std::vector<float> b;  // [rank, cols]
};

struct LqLoopOptions {
  std::int64_t rank = 0;
  int max_iterations = 0;
  bool start_from_svd = true;  // the first target is W - SVD(W); otherwise W itself
  // In place of both: the first target is W - start, and the tracker follows a nearby residual. Borrowed.
  const Iterate* start = nullptr;
  bool keep_best = true;   // otherwise the last iterate
  double tolerance = 0.0;  // as in DecomposeOptions
  double relaxation = 0.0;
  double target_error = 0.0;
};

struct LqLoopResult {
  Factors target;  // what Q is the quantization of: W minus this
  int iterations = 0;
  // What the best factors leave of the residual for that Q: squared, weighted, not relative.
  double squared_error = 0.0;
  std::vector<double> trace;  // after each iteration: relative weighted error with the best factors for its Q
  // Where to go on from, for a nearby problem: beyond the last iterate where it was the best, else the best.
  Iterate next;
  double relaxation = 0.0;  // what the steps were shortened to
};

// REQUIRES: space.start() was called; 0 < rank. Afterwards space holds the residual of the last iterate,
// which need not be the one that the result names.
LqLoopResult lq_loop(Context& context, std::int64_t rows, std::int64_t cols, ResidualSpace& space,
                     SubspaceTracker& tracker, const LqLoopOptions& options);

}  // namespace lq
