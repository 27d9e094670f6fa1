// Which architectures this program computes, by the names in config.json: one table of families.
#pragma once

#include <string>
#include <vector>

#include "files/json_object.h"
#include "models/model_spec.h"

namespace lq {

// A family: files models/families/NAME.{h,cc}, and a line in the table of registry.cc.
struct ModelFamily {
  std::vector<std::string> architectures;  // of "architectures" in config.json: "LlamaForCausalLM"
  std::vector<std::string> model_types;    // of "model_type", where there are no architectures
  // config.json -> spec. Throws, naming file and key: Error(kNotFound) for what is missing,
  // Error(kCorruptFile) for what cannot be, Error(kUnsupported) for what this program does not compute.
  ModelSpec (*spec)(const JsonObject& config);
};

// The family of config.json's "architectures" (or "model_type" where there are none). Throws
// Error(kUnsupported) naming the file, what it says and what is known.
const ModelFamily& model_family(const JsonObject& config);

// What config.json's model is, by its family.
ModelSpec model_spec(const JsonObject& config);

// Full names of the linear modules in the transformer blocks, block by block:
// "model.layers.0.self_attn.q_proj", ... ; REQUIRES: a family that is known. What quantization selects by
// default.
std::vector<std::string> block_linear_modules(const JsonObject& config);

// Names of the linears within one block, in their order: "self_attn.q_proj", ..., "mlp.down_proj".
const std::vector<std::string>& block_linear_names();

}  // namespace lq
