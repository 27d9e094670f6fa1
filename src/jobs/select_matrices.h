// Which tensors of a model are quantized.
#pragma once

#include <string>
#include <vector>

#include "formats/checkpoint_reader.h"

namespace lq {

struct MatrixSelection {
  // Globs over full tensor names (* any run, ? any one character). Empty include: every linear of the blocks,
  // that is every two-dimensional "...layers.N....weight" (also layer.N, h.N, blocks.N); embeddings, norms
  // and head stay.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
};

// True for the weight of a linear inside a numbered block.
bool is_block_linear(const TensorView& tensor);

// The selected tensors in the reader's order. Throws Error(kInvalidArgument) for a pattern that matches
// nothing and for an empty selection; Error(kUnsupported) for a selected tensor that is no F32, BF16, F16 or
// F64 matrix.
std::vector<const TensorView*> select_matrices(const CheckpointReader& reader,
                                               const MatrixSelection& selection);

}  // namespace lq
