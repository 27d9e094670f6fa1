// What a run trained, as the directory that PEFT reads.
#pragma once

#include <filesystem>
#include <string>

#include "train/lora_setup.h"

namespace lq {

// Writes the model's low-rank parts as a PEFT adapter into an existing directory; a fixed part and the new
// one beside it become one of the ranks' sum, fixed part first. Of a tied pair that the adapter holds whole
// both tensors are written, so that PEFT gives the same numbers. base_model: what adapter_config.json names,
// may be empty.
void write_adapter(Context& ctx, Model& model, const LoraState& state, double dropout,
                   const std::string& base_hash, const std::string& base_model,
                   const std::filesystem::path& directory);

}  // namespace lq
