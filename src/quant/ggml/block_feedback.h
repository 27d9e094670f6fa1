// Error feedback between and within the blocks of ggml's types: as quant/codebook/feedback.h has it, but a
// block's scales are found when its turn comes, for the weights that it then has to stand for.
//
// Columns are done in groups of 256 (one super-block, or eight blocks of 32), the last first. With S_bb the
// group's diagonal block, what the groups before leave of F S is taken on by the solution M of
// M S_bb = sum over columns l done before of F_l S_lb; scales are searched for the moved weights, an error
// counted by S_jj^2, which is what is left of it once the columns to its left have taken on theirs. Codes
// follow, one after another, the last first; then the scales, one after another, take the step that leaves
// least of ||F_b S_bb||; then codes once more. Of the two results the better one stays.
#pragma once

#include <cstdint>

#include "base/parallel.h"
#include "quant/ggml/block_kind.h"
#include "quant/quantizer.h"

namespace lq::ggml {

// blocks: [rows, blocks of a row], written. weights: with col_factor; row_factor may be null. The same bits
// on any number of threads. Memory: 64 rows a thread; with row_factor two arrays of w's size. REQUIRES: cols
// is a multiple of kind.weights.
void feed_back_blocks(ThreadPool& pool, const BlockKind& kind, bool search, const float* w, std::int64_t rows,
                      std::int64_t cols, const ErrorWeights& weights, std::uint8_t* blocks);

}  // namespace lq::ggml
