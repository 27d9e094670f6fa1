// Which architectures this program computes, by the names in config.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "files/json_object.h"

namespace lq {

enum class ModelFamily { kLlama };  // Llama 1-3, TinyLlama, Mistral, Qwen2

// The family of config.json's "architectures" (or "model_type" where there are none). Throws
// Error(kUnsupported) naming the file, what it says and what is known.
ModelFamily model_family(const JsonObject& config);

// Full names of the linear modules in the transformer blocks of a Llama-family model, block by block:
// "model.layers.0.self_attn.q_proj", ... ; REQUIRES: a family that is known. What quantization selects by
// default.
std::vector<std::string> block_linear_modules(const JsonObject& config);

// Names of the linears within one block, in their order: "self_attn.q_proj", ..., "mlp.down_proj".
const std::vector<std::string>& block_linear_names();

}  // namespace lq
