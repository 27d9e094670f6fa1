// Sizes of the parts of a packed matrix.
#pragma once

#include <cstdint>
#include <string_view>

#include "quant/codebook/codebook_config.h"

namespace lq {

struct CodebookSizes {
  std::int64_t elements;      // rows * cols
  std::int64_t blocks;        // first-level scales: ceil(elements / B0)
  std::int64_t groups;        // second-level scales: ceil(blocks / B1)
  std::int64_t codes_bytes;   // whole groups of 64 codes
  std::int64_t scales_bytes;  // whole groups of 64 scale codes
  std::int64_t scales2_bytes;
};

// Throws Error(kInvalidArgument) naming `who` unless rows, cols >= 1, rows * cols <= kMostElements and the
// configuration is one of every_codebook_config()'s.
CodebookSizes codebook_sizes(std::int64_t rows, std::int64_t cols, const CodebookConfig& config,
                             std::string_view who);

}  // namespace lq
