// Scales of GPTQ's groups in our format: 128 columns of a row share a scale, their absmax in W (Frantar et
// al., arXiv 2210.17323, section 4, "grouping"). A group is 128 / B0 blocks that get the same scale.
//
// All of them are fixed before the first code is chosen ("static groups"). Chosen when a group is reached,
// from weights that errors before have moved, as the paper also allows, scales grow after outliers, and the
// second level of scales would have to be guessed: on a real model that is worse than rounding
// (docs/results.md).
#pragma once

#include <cstdint>
#include <vector>

#include "base/parallel.h"
#include "quant/codebook/codebook_config.h"

namespace lq {

// The asked scale of every block: the absmax of its group in w. Returns the smallest of them: the offset.
// REQUIRES: cols is a multiple of config.block.
float gptq_group_targets(ThreadPool& pool, const CodebookConfig& config, const float* w, std::int64_t rows,
                         std::int64_t cols, std::vector<float>& targets);

}  // namespace lq
