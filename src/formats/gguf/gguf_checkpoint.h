// A GGUF file as the model directory that says the same: tensors by Hugging Face's names and in its order of
// rows, config.json, and the small files.
#pragma once

#include "files/folder.h"
#include "files/json_object.h"
#include "formats/checkpoint_reader.h"
#include "formats/gguf/gguf_file.h"

namespace lq {

struct GgufCheckpoint {
  JsonObject config;
  OpenedTensors tensors;
  Folder folder;  // gguf_tokenizer.h
};

// Throws what GgufFile, gguf_config and gguf_side_texts throw, and Error(kUnsupported) for a tensor that the
// model's kind does not have: left out, it would change what is computed.
GgufCheckpoint open_gguf_checkpoint(const std::filesystem::path& path);

// The small files alone.
Folder gguf_folder(const std::filesystem::path& path);

// The tensors under the file's own names, for hashes and tables; they keep the file mapped.
std::vector<TensorView> gguf_stored_views(const GgufFile& file);

}  // namespace lq
