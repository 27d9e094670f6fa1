// The scales that the blocks of a packed matrix have, as docs/formats/packed.md computes them.
#pragma once

#include <vector>

#include "quant/codebook/codebook_matrix.h"

namespace lq {

struct RestoredScales {
  std::vector<float> steps;   // [blocks] of a first-level code: T / (2^b0 - 1)
  std::vector<float> scales;  // [blocks] min(offset + u step, FLT_MAX)
};

RestoredScales restored_scales(const CodebookMatrix& matrix);

}  // namespace lq
