// The errors of one matrix at many choices of quantization, for an allocation to choose among: much cheaper
// than as many decompositions, because each choice starts from the factors and the subspace of its neighbour
// (SweepPlace in quant/format.h).
#pragma once

#include <cstdint>
#include <vector>

#include "decompose/importance.h"
#include "quant/format.h"
#include "tensor/context.h"

namespace lq {

struct SweepOptions {
  std::int64_t rank = 64;
  QuantizerOptions quantizer{};            // its feedback needs an importance with right(), as in decompose()
  const Importance* importance = nullptr;  // borrowed; null: every error matters the same
  double tolerance = 1e-3;                 // where factors are sought afresh, as in DecomposeOptions
  double relaxation = 1.2;
  std::int64_t oversampling = 10;
  std::uint64_t stream = 0;  // of the random start
  // For large matrices: factors are sought at three choices of each curve (SweepPlace) only. What they take
  // off the error of quantization alone, which is exact, is interpolated for the others.
  bool interpolate = false;
};

// errors[i] = ||W - Q - L1 L2||^2 in the importance's norm at choices[i], with the method lq at options.rank.
// w: [rows, cols] f32, finite. Throws as decompose(). Memory: as decompose().
//
// How good the numbers are:
//   rank 0         exact, without feedback.
//   a quantizer with draft()   decompose()'s own error, but for feedback of codebooks:
//   feedback       what it takes off is measured by decompose() at one choice of each format and width up to
//                  4 bits, and is the same for the others. On real models it leaves from a half down to a
//                  thousandth of the error, by the matrix: without it most bits go where they serve least.
//   otherwise      estimates of decompose()'s error. On quill's matrices within 4 % unweighted; where factors
//                  take up nearly all of W, within 17 % in a K-FAC norm.
//   interpolate    within 4 % on quill's larger matrices (1 % root mean square), 9 % (5 %) on a query matrix
//                  of GPT-2 at rank 64; in a K-FAC norm within 27 % (2 %), and on small matrices worse: leave
//                  it off for those.
//
// What may be relied on: the same bits for the same arguments, on any number of threads, in whatever order
// the choices are given. Not relied on: that a choice has the same estimate in two lists; its neighbours are
// where it starts from. An error table is made in one call a matrix for that reason.
//
// Thread-safe for distinct contexts' progress; inside the body of a pool's job it computes in that thread
// alone, so that many small matrices may be swept at once.
std::vector<double> sweep_errors(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                 const std::vector<QuantChoice>& choices, const SweepOptions& options);

// The same for several ranks (options.rank is not used), [ranks, choices] row-major: `--rank auto`. One whole
// sweep, at the largest rank, and for each other rank above 0 a decomposition at one choice of each anchor
// (SweepPlace); the choices round it get the same ratio of errors between the two ranks. With
// options.interpolate, sweep_errors() for each. Rank 0 is exact. REQUIRES: ranks not empty.
std::vector<double> sweep_rank_errors(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                      const std::vector<QuantChoice>& choices,
                                      const std::vector<std::int64_t>& ranks, const SweepOptions& options);

}  // namespace lq
