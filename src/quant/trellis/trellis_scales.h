// First-level scales of a trellis code: what each block asks for, and the two levels that it gets.
#pragma once

#include <cstdint>
#include <vector>

#include "base/parallel.h"
#include "quant/quantizer.h"
#include "quant/trellis/trellis_matrix.h"

namespace lq {

// out[rows * blocks]: for each block of w the scale under which its weighted squared error is expected to be
// least. A code of unit scale errs by its distortion for normal weights of unit variance wherever a weight
// lies within reach of its values, and by the excess beyond; and it is never finer than the block's own
// variance asks for, since a path can have large values now and then only.
std::vector<float> trellis_scale_targets(ThreadPool& pool, const TrellisConfig& config, const float* w,
                                         std::int64_t rows, std::int64_t cols, const ErrorWeights& weights);

// Sets offset, second-level scales and the first-level codes nearest to targets.
void store_trellis_scales(const std::vector<float>& targets, TrellisStored& stored);

// What a least-squares fit of each block's scale to values and targets takes.
struct TrellisFit {
  std::vector<double> products;  // [rows * blocks]: sum of importance * target * value
  std::vector<double> squares;   // sum of importance * value^2

  explicit TrellisFit(const TrellisStored& stored)
      : products(stored.scales.size()), squares(stored.scales.size()) {}
};

// Sets the first-level codes nearest to the fit, within the two levels that there are. Blocks without
// squares keep theirs.
void refit_trellis_scales(const TrellisFit& fit, TrellisStored& stored);

}  // namespace lq
