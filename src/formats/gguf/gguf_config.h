// What a GGUF file says of its model, as the config.json that Hugging Face's families have.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "files/json_object.h"
#include "formats/gguf/gguf_file.h"
#include "formats/gguf/gguf_kind.h"
#include "formats/gguf/gguf_metadata.h"

namespace lq {

struct GgufConfig {
  JsonObject config;
  const GgufKind* kind = nullptr;
  std::int64_t blocks = 0;
  // Rows of a head in q and k, where they are in llama.cpp's order (gguf_form.h); 0: they are in ours.
  std::int64_t permuted_head_dim = 0;
  std::int64_t experts = 0;
  std::set<std::string, std::less<>> said;  // tensors that config.json says instead: factors of frequencies
};

// Of the kinds that gguf_kinds() lists. Errors name file and key. Throws Error(kUnsupported) for another
// kind, and for every key of the kind that is not understood: it may change what the model computes;
// Error(kNotFound), Error(kCorruptFile).
GgufConfig gguf_config(const GgufFile& file, const GgufMetadata& keys);

}  // namespace lq
