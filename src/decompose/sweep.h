// The errors of one matrix at many configurations, for the choice among them: much cheaper than as many
// decompositions, because each configuration starts from the factors and the subspace of its neighbour.
#pragma once

#include <cstdint>
#include <vector>

#include "decompose/weighting.h"
#include "quant/quantizer.h"
#include "tensor/context.h"

namespace lq {

struct SweepOptions {
  std::int64_t rank = 64;
  NfQuantizerOptions quantizer{};
  const Weighting* weighting = nullptr;  // borrowed; null: every error matters the same
  double tolerance = 1e-3;  // of the first decomposition at each code width, as in DecomposeOptions
  double relaxation = 1.2;
  std::int64_t oversampling = 10;
  std::uint64_t stream = 0;  // of the random start
};

// Squared errors ||W - Q - L1 L2||^2 in the weighting's norm, one for each of `configs`, with the method lq
// (rank 0: quantization alone). Estimates: a full start for each (b, B0, b0), and for each B1 where b = 8 or
// b0 <= 3; two iterations from a neighbour for the rest. On GPT-2's and quill's matrices within 4 % of
// decompose() at 2 to 4 bits, and up to 60 % above it for 8-bit codes with b0 <= 4. w: [rows, cols] f32,
// finite. Throws as decompose(). Memory: as decompose(). The order of `configs` does not change the results,
// but which others are among them does. The same bits on any number of threads; inside a pool's body it runs
// in the calling thread, so that many matrices may be swept at once.
std::vector<double> sweep_errors(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                 const std::vector<NfConfig>& configs, const SweepOptions& options);

}  // namespace lq
