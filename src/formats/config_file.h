// config.json of a Hugging Face model.
#pragma once

#include <filesystem>

#include "files/json_object.h"

namespace lq {

constexpr const char* kConfigName = "config.json";

// DIRECTORY/config.json; errors start with "[config] FILE". Throws Error(kNotFound), Error(kIo),
// Error(kCorruptFile).
JsonObject load_config(const std::filesystem::path& directory);

}  // namespace lq
