// Which tensors of a model are quantized.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "formats/checkpoint.h"

namespace lq {

struct MatrixSelection {
  // Globs over full tensor names (* any run, ? any one character). Empty include: every linear of the blocks,
  // that is every two-dimensional "...layers.N....weight" (also layer.N, h.N, blocks.N); embeddings, norms
  // and head stay.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  // The weights of the linears of the model's blocks (see of_model()), which an empty include then means.
  // Empty: whatever looks like one.
  std::set<std::string> linears = {};
};

// The same selection, with the model's linears where its family is known.
MatrixSelection of_model(MatrixSelection selection, const Checkpoint& model);

// True for the weight of a linear inside a numbered block.
bool is_block_linear(const TensorView& tensor);

// The selected tensors in the reader's order. Throws Error(kInvalidArgument) for a pattern that matches
// nothing and for an empty selection; Error(kUnsupported) for a selected tensor that is no F32, BF16, F16 or
// F64 matrix.
std::vector<const TensorView*> select_matrices(const CheckpointReader& reader,
                                               const MatrixSelection& selection);

// Names of matrices that look like linears of blocks and are none of the model's: they stay as they are.
// Empty where the selection names its matrices, or knows no model.
std::vector<std::string> strange_matrices(const CheckpointReader& reader, const MatrixSelection& selection);

}  // namespace lq
