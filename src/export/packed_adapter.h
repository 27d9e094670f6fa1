// The adapter of a packed model, checked against it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "formats/packed_checkpoint.h"
#include "formats/peft_adapter.h"
#include "models/tensor_names.h"

namespace lq {

// The two ends of a model, as its family names them; of an unknown architecture as Llama's.
struct ModelEnds {
  std::string table = "model.embed_tokens.weight";
  std::string head = "lm_head.weight";
  bool tied = false;  // the head is the table
  // The head's bias, where it has one that is called otherwise than the head, and what it is called where the
  // head is not the table. Empty: there is none.
  std::string bias = {}, untied_bias = {};
};
ModelEnds model_ends(const PackedCheckpoint& packed);

// Throws Error(kMismatch) for an adapter of another base (both hashes named), for a low-rank part of a module
// that the model does not have or has in another shape, and for a whole tensor that the model does not have
// dense; and what PeftAdapterReader throws.
std::unique_ptr<PeftAdapterReader> open_packed_adapter(const PackedCheckpoint& packed,
                                                       const std::filesystem::path& path);

// What PEFT calls modules and tensors of a model of ours, beside a class of transformers: the model's own, or
// one with a head over sequences where the adapter is for that.
struct PeftNaming {
  PeftNaming(const PackedCheckpoint& packed, const PeftConfig& adapter);
  std::string operator()(const std::string& name) const { return names.in_class(name, with_head); }
  std::vector<std::string> operator()(std::vector<std::string> all) const;

  TensorNames names;
  bool with_head = true;
  bool encoder = false;
};

// Those of the adapter's modules_to_save that hold several modules of `replaced` ("classifier").
std::vector<std::string> saved_as_one(const PeftConfig& adapter, const std::vector<TensorSpec>& replaced);

// `adapter` for the model as transformers reads it: an encoder predicts no next token.
PeftConfig peft_config(const PeftNaming& naming, PeftConfig adapter);

// Names of all weights and biases, packed or not, and the head's of a model that has it as its embedding.
std::vector<std::string> whole_tensors(const PackedCheckpoint& packed);

// Names of all linear modules, packed or not, sorted: what target_modules of an adapter is chosen among.
std::vector<std::string> linear_modules(const PackedCheckpoint& packed);

}  // namespace lq
