// Which adapter a model is loaded with.
#pragma once

#include <filesystem>

#include "models/model.h"

namespace lq {

// The adapter that Model::load puts beside such a model: the one named, or a packed model's own; empty: none.
std::filesystem::path adapter_to_load(const Checkpoint& checkpoint, const ModelLoadOptions& options);

}  // namespace lq
