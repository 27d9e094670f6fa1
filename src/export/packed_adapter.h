// The adapter of a packed model, checked against it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "formats/packed_checkpoint.h"
#include "formats/peft_adapter.h"

namespace lq {

// Throws Error(kMismatch) for an adapter of another base (both hashes named), for a low-rank part of a module
// that is no packed matrix or has another shape, and for a whole weight (modules_to_save) that the model does
// not have dense; and what PeftAdapterReader throws.
std::unique_ptr<PeftAdapterReader> open_packed_adapter(const PackedCheckpoint& packed,
                                                       const std::filesystem::path& path);

// Names of all linear modules, packed or not, sorted: what target_modules of an adapter is chosen among.
std::vector<std::string> linear_modules(const PackedCheckpoint& packed);

}  // namespace lq
