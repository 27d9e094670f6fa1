// The errors of one matrix at many configurations, for the choice among them: much cheaper than as many
// decompositions, because each configuration starts from the factors and the subspace of its neighbour.
#pragma once

#include <cstdint>
#include <vector>

#include "decompose/importance.h"
#include "quant/quantizer.h"
#include "tensor/context.h"

namespace lq {

struct SweepOptions {
  std::int64_t rank = 64;
  CodebookQuantizerOptions quantizer{};
  const Importance* importance = nullptr;  // borrowed; null: every error matters the same
  double tolerance = 1e-3;  // of the first decomposition at each code width, as in DecomposeOptions
  double relaxation = 1.2;
  std::int64_t oversampling = 10;
  std::uint64_t stream = 0;  // of the random start
  // For large matrices: factors are sought at three configurations of each (b, B0) only. What they take off
  // the error of quantization alone, which is exact, is interpolated for the others.
  bool interpolate = false;
};

// Squared errors ||W - Q - L1 L2||^2 in the importance's norm, one for each of `configs`, with the method lq
// (rank 0: quantization alone, exact). Estimates: a start of its own for each (b, B0, b0), for each B1 where
// b = 8 or b0 <= 3, and for each configuration with b = 8 and b0 <= 4, where no two ways end alike; two
// iterations from a neighbour for the rest. sweep_deviation() says how far off they are: on quill's
// matrices within 4 % unweighted and, where factors take up nearly all of W, within 17 % in a K-FAC norm. w:
// [rows, cols] f32, finite. Throws as decompose(). Memory: as decompose(). The order of `configs` does not
// change the results, but which others are among them does. The same bits on any number of threads; inside a
// pool's body it runs in the calling thread, so that many matrices may be swept at once. options.interpolate:
// within 4 % on quill's larger matrices (1 % root mean square) and 9 % (5 %) on a query matrix of GPT-2 at
// rank 64; in a K-FAC norm, whose small matrices are uneven, within 27 % (2 %) on quill's larger ones only.
std::vector<double> sweep_errors(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                 const std::vector<CodebookConfig>& configs, const SweepOptions& options);

// The same for several ranks (options.rank is not used), [ranks, configs] row-major: `--rank auto`. One whole
// sweep, at the largest rank, and for each other rank above 0 a decomposition at one configuration of each
// (b, B0, b0), for each B1 where b0 <= 3; the configurations round it get the same ratio of errors between
// the two ranks. With options.interpolate, sweep_errors() for each. Rank 0 is exact. REQUIRES: ranks not
// empty.
std::vector<double> sweep_rank_errors(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                      const std::vector<CodebookConfig>& configs,
                                      const std::vector<std::int64_t>& ranks, const SweepOptions& options);

struct SweepDeviation {
  CodebookConfig config;   // where it is largest
  double deviation = 0.0;  // estimate / decompose()'s squared error - 1
};

// The largest deviation (by magnitude) of errors[configs], the results of sweep_errors() with these options,
// from decompose() on `sample` of the configurations, spread evenly. REQUIRES: 1 <= sample.
SweepDeviation sweep_deviation(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                               const std::vector<CodebookConfig>& configs, const std::vector<double>& errors,
                               std::size_t sample, const SweepOptions& options);

}  // namespace lq
