// The tokenizer of a model directory as the keys of a GGUF file: what gguf_tokenizer.h does, the other way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "files/folder.h"
#include "files/json_object.h"
#include "formats/gguf/gguf_writer.h"

namespace lq {

struct GgufVocabularyOptions {
  std::int64_t rows = 0;      // of the embedding: the table is filled up to them
  std::string_view pre = {};  // tokenizer.ggml.pre of a byte-level BPE; empty: found by its rules
};

// Adds tokenizer.ggml.* and tokenizer.chat_template. Byte-level BPE (kind "gpt2"), WordPiece (kind "bert")
// and SentencePiece's BPE (kind "llama"), of tokenizer.json or tokenizer.model. config: config.json, for the
// ids that tokenizer_config.json does not name. Throws Error(kNotFound) where there is no tokenizer,
// Error(kUnsupported) for another kind, a way to cut words that llama.cpp is not known to have or what
// GgufTextRules refuses, Error(kMismatch) for ids beyond the rows; and what Tokenizer::load throws. Tokens
// and rules are those of the loaded tokenizer, with what the files beside it change. Returns what the user
// should know of llama.cpp, a line each.
std::vector<std::string> add_gguf_tokenizer(const Folder& folder, const JsonObject& config,
                                            const GgufVocabularyOptions& options, GgufKeys& keys);

}  // namespace lq
