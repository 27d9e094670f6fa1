// Scales of GPTQ's groups in our format: 128 columns of a row share a scale, chosen when the group is reached
// (Frantar et al., arXiv 2210.17323, section 4, "grouping"). A group is 128 / B0 blocks that get the same
// scale; the second level is fixed beforehand, with room for groups that grow on the way.
#pragma once

#include <cstdint>
#include <vector>

#include "base/parallel.h"
#include "quant/codebook/codebook_config.h"
#include "quant/codebook/feedback.h"

namespace lq {

// The asked scales of all blocks, from which both levels are made: the absmax of each block's group in w, and
// a quarter more. Returns the smallest scale that shall be possible: the offset.
// REQUIRES: cols is a multiple of config.block.
float gptq_group_targets(ThreadPool& pool, const CodebookConfig& config, const float* w, std::int64_t rows,
                         std::int64_t cols, std::vector<float>& targets);

// For FeedbackProblem::choose_scales: gives the blocks of a group the code nearest to the absmax of its
// targets. steps: [blocks] the step of each block's first-level codes, T / (2^b0 - 1). scales and codes:
// [blocks], set by the function. Borrows all of them.
FeedbackScales gptq_group_scales(const CodebookConfig& config, std::int64_t cols, float offset,
                                 const std::vector<float>& steps, std::vector<float>& scales,
                                 std::vector<std::uint8_t>& codes);

}  // namespace lq
