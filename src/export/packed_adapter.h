// The adapter of a packed model, checked against it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "formats/packed_checkpoint.h"
#include "formats/peft_adapter.h"

namespace lq {

// The two ends of a model, as its family names them; of an unknown architecture as Llama's.
struct ModelEnds {
  std::string table = "model.embed_tokens.weight";
  std::string head = "lm_head.weight";
  bool tied = false;  // the head is the table
};
ModelEnds model_ends(const PackedCheckpoint& packed);

// Throws Error(kMismatch) for an adapter of another base (both hashes named), for a low-rank part of a module
// that the model does not have or has in another shape, and for a whole tensor that the model does not have
// dense; and what PeftAdapterReader throws.
std::unique_ptr<PeftAdapterReader> open_packed_adapter(const PackedCheckpoint& packed,
                                                       const std::filesystem::path& path);

// Names of all weights and biases, packed or not, and the head's of a model that has it as its embedding.
std::vector<std::string> whole_tensors(const PackedCheckpoint& packed);

// Names of all linear modules, packed or not, sorted: what target_modules of an adapter is chosen among.
std::vector<std::string> linear_modules(const PackedCheckpoint& packed);

}  // namespace lq
