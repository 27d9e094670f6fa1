// What a GGUF file says of its model, as the config.json that Hugging Face's families have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "files/json_object.h"
#include "formats/gguf/gguf_file.h"
#include "formats/gguf/gguf_metadata.h"

namespace lq {

struct GgufConfig {
  JsonObject config;
  std::int64_t blocks = 0;
  // Rows of a head in q and k, where they are in llama.cpp's order (gguf_form.h); 0: they are in ours.
  std::int64_t permuted_head_dim = 0;
};

// Of the kinds llama (also Mistral's and SmolLM2's), qwen2 and qwen3. Errors name file and key. Throws
// Error(kUnsupported) for another kind, and for every key of the kind that is not understood: it may change
// what the model computes; Error(kNotFound), Error(kCorruptFile).
GgufConfig gguf_config(const GgufFile& file, const GgufMetadata& keys);

}  // namespace lq
