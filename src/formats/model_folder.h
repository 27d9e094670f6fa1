// The small files of whatever may be a model or a tokenizer.
#pragma once

#include <filesystem>

#include "files/folder.h"

namespace lq {

// Of a GGUF file what its metadata say; else the path itself: a directory, or one file (Tokenizer::load).
// hf:ORG/NAME is looked for in the hub's cache (hub/hub_cache.h).
Folder model_folder(const std::filesystem::path& path);

}  // namespace lq
