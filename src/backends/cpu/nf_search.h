// First-level scales that make the squared error of their blocks small, rather than cover the largest
// magnitude (docs/method.md, "Codes and scales"). They cost nothing in storage or decoding; at 2 bits the
// error falls by a third.
//
// Where nothing says what matters, the squared error of a weight counts by its magnitude: large weights of
// real models carry more than their share (docs/results.md, "Bits on a real model"), and clipping them for
// the sake of the many small ones is what plain squared error does.
#pragma once

#include <cstdint>

#include "backends/cpu/nf_codec.h"
#include "backends/nf_view.h"
#include "base/parallel.h"

namespace lq::backends {

// Importance of the squared error of element (i, j): rows[i] * cols[j]. Null: ones; both null: |w|.
struct NfErrorWeights {
  const float* rows;
  const float* cols;
};

// target[j] = the scale of block j under which the best of some ten codings of the block errs least; 0 for a
// block of zeros, its absmax where the weights are zero. Returns the smallest target. w: [n] = [rows,
// row_length]. REQUIRES: n >= 1, w finite, weights finite and not negative.
float nf_search_scales(ThreadPool& pool, const NfCodebook& book, const float* w, std::int64_t n,
                       std::int64_t row_length, int block, const NfErrorWeights& weights, float* target);

// codes[j] = the first-level code of block j, near the one nearest to target[j], under whose restored scale
// the block errs least: the error after both levels are rounded.
void nf_search_scale_codes(ThreadPool& pool, const NfFormat& format, const NfCodebook& book, const float* w,
                           std::int64_t n, std::int64_t row_length, const NfErrorWeights& weights,
                           const NfScaleChoice& scales, std::uint8_t* codes);

}  // namespace lq::backends
