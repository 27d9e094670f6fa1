// The alternation between low-rank factors and quantization that every method is a case of.
#pragma once

#include <vector>

#include "base/stop.h"
#include "decompose/alternation.h"

namespace lq {

struct LqLoopOptions {
  int max_iterations = 0;
  bool start_from_svd = true;  // the first target is W - SVD(W); otherwise W itself
  // In place of both: the first target is W - start (in weighted coordinates), and the directions are those
  // of a nearby residual. Taken away.
  Factors* start = nullptr;
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
  Factors next;             // in weighted coordinates
  double relaxation = 0.0;  // what the steps were shortened to
};

// Whether W's own codes are tried against the loop's. Weights that were quantized before lie on a grid, which
// some choice may store as they are, and which W - L1 L2 does not lie on. The paper does not ask.
inline bool tries_whole(const LqLoopOptions& options) {
  return options.start_from_svd && options.relaxation > 0.0;
}

// REQUIRES: start() and seek() were called. Afterwards `a` holds the residual of the last iterate, which need
// not be the one that the result names. Throws Error(kInterrupted).
LqLoopResult lq_loop(const StopToken& stop, Alternation& a, const LqLoopOptions& options);

}  // namespace lq
