// The tokenizers of BERT's kind: tokenizer.json's WordPiece and what a GGUF file says of the same
// (tokenizer.ggml.model "bert"). There a piece that begins a word has U+2581 before it, one that goes on has
// nothing; tokenizer.json has nothing and "##".
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "formats/gguf/gguf_metadata.h"
#include "formats/gguf/gguf_tokenizer.h"

namespace lq {

struct GgufWordPiece {
  std::string tokenizer;         // tokenizer.json
  std::string tokenizer_config;  // tokenizer_config.json
};

// Throws Error(kUnsupported), Error(kNotFound), Error(kCorruptFile) naming the key.
GgufWordPiece gguf_word_piece(const GgufTokens& tokens, const GgufMetadata& keys);

// A piece of tokenizer.json as the file has it.
std::string gguf_piece_of(std::string_view word_piece);
// How BertNormalizer changes the letters, and nothing else of it that llama.cpp has otherwise.
struct WordPieceLetters {
  bool lowercase = true;
  bool strip_accents = true;
};
// Of a tokenizer.json. Throws Error(kUnsupported) starting with `who` where llama.cpp would cut words, find
// pieces or clean texts in another way.
WordPieceLetters word_piece_letters(const nlohmann::ordered_json& tokenizer, std::string_view who);

}  // namespace lq
