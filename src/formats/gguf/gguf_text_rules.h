// What a tokenizer's files do to a text beside cutting it into words and merging pieces: llama.cpp has its
// own way for each kind of tokenizer, and a GGUF file can hardly say another.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/sentencepiece_model.h"
#include "tokenizers/tokenizer_config.h"

namespace lq {

// Whether a tokenizer.json cuts texts into words of bytes.
bool has_byte_level(const nlohmann::json& tokenizer);

// Each check throws Error(kUnsupported), starting with `who`, for what gives other ids there. What every
// file of a known family has and llama.cpp leaves out all the same becomes a note.
class GgufTextRules {
 public:
  explicit GgufTextRules(std::string who) : who_(std::move(who)) {}

  // Of a tokenizer.json of byte-level BPE: the text is taken as it is, without NFC, which becomes a note.
  void check_byte_level(const nlohmann::json& tokenizer);
  // Of a tokenizer.json of SentencePiece's BPE: every space becomes U+2581, and nothing else changes.
  // Returns whether a text gets a space before it.
  bool check_pieces(const nlohmann::json& tokenizer);
  // Of a tokenizer.model.
  void check_sentencepiece(const tokenizers::SentencePieceFile& file,
                           const tokenizers::TokenizerConfig& settings);
  // Of the tokens that are found in a text whole. model_type: of config.json; llama.cpp drops the white
  // space after those of Phi-3, which becomes a note.
  void check_added(const std::vector<tokenizers::AddedToken>& tokens, std::string_view model_type);

  // Takes away tokens that the files beside tokenizer.json alone name, such as a padding token, and that have
  // no row of `rows` in the embedding: a note for each. in_file: the "added_tokens" of tokenizer.json.
  void drop_without_row(const nlohmann::json& in_file, std::int64_t rows,
                        std::vector<tokenizers::AddedToken>& tokens);

  const std::vector<std::string>& notes() const { return notes_; }

 private:
  std::string who_;
  std::vector<std::string> notes_;
};

}  // namespace lq
