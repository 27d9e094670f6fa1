// What makes one vector of a text's: the pooling layer of sentence-transformers (modules.json), and the key
// KIND.pooling_type of a GGUF file.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "files/folder.h"
#include "formats/gguf/gguf_metadata.h"
#include "formats/gguf/gguf_writer.h"

namespace lq {

// modules.json and the pooling layer's config.json, by their names in a model directory; none where the file
// of this kind ("bert") pools nothing or does not say. Throws Error(kUnsupported) for a ranking head.
std::map<std::string, std::string> gguf_pooling_texts(const GgufMetadata& keys, std::string_view kind);

// Adds KIND.pooling_type where the directory says how it pools. Throws Error(kUnsupported) for a way that
// llama.cpp does not have (the largest elements, a mean over the root of the length).
void add_gguf_pooling(const Folder& folder, std::string_view kind, GgufKeys& keys);

}  // namespace lq
