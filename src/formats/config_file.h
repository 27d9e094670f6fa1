// config.json of a Hugging Face model.
#pragma once

#include <filesystem>

#include "files/json_object.h"
#include "tensor/dtype.h"

namespace lq {

constexpr const char* kConfigName = "config.json";

// DIRECTORY/config.json; errors start with "[config] FILE". Throws Error(kNotFound), Error(kIo),
// Error(kCorruptFile).
JsonObject load_config(const std::filesystem::path& directory);

// Whether it says what type the weights have: "dtype", before transformers 5 "torch_dtype".
bool names_weight_type(const nlohmann::ordered_json& config);
// Says it under the names that are there, or as "dtype". REQUIRES: f32, bf16 or f16.
void name_weight_type(nlohmann::ordered_json& config, DType type);

}  // namespace lq
