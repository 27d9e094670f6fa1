// Error feedback between the tiles of a trellis code: each takes on what the errors of those done before it
// leave of ||T^T E S||, E = W - Q. This is quant/codebook/feedback.h with tiles of 16 x 16 in place of single
// elements (block LDLQ: Tseng et al., arXiv 2406.11235, section 3.3): with S_bb the diagonal block of a
// tile's columns, they are moved by the solution M of M S_bb = sum over columns l done before of F_l S_lb;
// and rows likewise with T. Within the tile an element counts by the lengths of its rows of T_bb and S_bb.
// Once 128 columns of a row are done, or as many as a block has, the scales of their blocks are fitted, by
// least squares, to what those columns and the ones before leave of F S: where one column matters far more
// than its neighbours, its weight comes out right.
#pragma once

#include "base/parallel.h"
#include "quant/quantizer.h"
#include "quant/trellis/trellis_scales.h"

namespace lq {

// Codes of w [rows, cols], from the last tile to the first; the stored scales are changed by the fit within
// the two levels that there are. weights: with col_factor;
// row_factor may be null. state_bits: the format's, or fewer for a draft. fit, where not null, gets each
// block's sums against what it was to become. The same bits on any number of threads. Memory: 64 rows a
// thread; with row_factor two arrays of w's size.
void trellis_feed_back(ThreadPool& pool, int state_bits, const float* w, const ErrorWeights& weights,
                       TrellisStored& stored, TrellisFit* fit);

}  // namespace lq
