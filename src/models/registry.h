// Which architectures this program computes, by the names in config.json: one table of families.
#pragma once

#include <string>
#include <vector>

#include "files/json_object.h"
#include "formats/peft_adapter.h"
#include "models/model_spec.h"

namespace lq {

// A kind of model: a file in models/families/, a golden in tests/goldens/, and a place in the table of
// registry.cc.
struct ModelFamily {
  std::vector<std::string> architectures;  // of "architectures" in config.json: "LlamaForCausalLM"
  std::string model_type;                  // of "model_type", where there are no architectures
  TensorNames names;                       // in its checkpoints
  // config.json -> spec. Throws, naming file and key: Error(kNotFound) for what is missing,
  // Error(kCorruptFile) for what cannot be, Error(kUnsupported) for what this program does not compute.
  ModelSpec (*spec)(const JsonObject& config);
};

// The family of config.json's "architectures" (or "model_type" where there are none); null where none is
// known.
const ModelFamily* find_model_family(const JsonObject& config);
// The same, but throws Error(kUnsupported) naming the file, what it says and what is known.
const ModelFamily& model_family(const JsonObject& config);

// What config.json's model is, by its family; only what this program computes (model_check.h). Throws as
// model_family and ModelFamily::spec.
ModelSpec model_spec(const JsonObject& config);

// The modules of config.json's model that hold several projections, with the names that the family gives
// those where they stand apart (queries, keys and values of qkv; gate and up): what adapters may name
// instead. Throws as model_spec.
std::vector<FusedModule> fused_modules(const JsonObject& config);

// The architecture of config.json's family that has a head over whole sequences:
// "BertForSequenceClassification". Throws Error(kUnsupported) where it has none.
std::string labels_architecture(const JsonObject& config);

// Full names of the linear modules in the transformer blocks, block by block:
// "model.layers.0.self_attn.q_proj", ... Throws as model_spec.
std::vector<std::string> block_linear_modules(const JsonObject& config);

}  // namespace lq
