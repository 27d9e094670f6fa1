// What a tokenizer.json brings to the vocabulary of a GGUF file.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/gguf/gguf_tokenizer.h"
#include "formats/gguf/gguf_writer.h"
#include "tokenizers/added_tokens.h"
#include "tokenizers/tokenizer_config.h"

namespace lq {

// "tokenizer.ggml.NAME".
std::string gguf_tokenizer_key(std::string_view name);

// Tokens by their ids, as they are gathered.
class GgufTokenTable {
 public:
  // rows: of the embedding. who: the tokenizer's file, for errors.
  GgufTokenTable(std::int64_t rows, std::string who);

  // Throws Error(kMismatch) for an id without a row.
  void put(std::int64_t id, const std::string& text, GgufTokenType type);
  // Added tokens that are the unknown piece or a byte stay that.
  void put_added(const tokenizers::AddedToken& token);
  // Names for the rows that no token has.
  void fill_holes();

  GgufTokens tokens;

 private:
  std::string who_;
};

// What a tokenizer.json says, with what the files beside it change of it.
struct HfFile {
  std::string who;
  nlohmann::json json;
  std::string unknown;  // the piece, or none: of the file itself
  std::vector<tokenizers::AddedToken> added;

  const nlohmann::json& model() const { return json.at("model"); }
  bool flag(const char* key) const { return model().contains(key) && model()[key] == true; }
  nlohmann::ordered_json part(const char* key) const { return json.value(key, nlohmann::json()); }
  // Pairs, first to last. Throws Error(kCorruptFile) for what is none.
  std::vector<std::pair<std::string, std::string>> merges() const;
};

// Without its added tokens.
HfFile read_hf_file(const std::string& text, const tokenizers::TokenizerConfig& settings,
                    const std::string& who);

// Of a byte-level BPE: tokens, merges and the pre-tokenizer's name; `pre` or, where it is empty, the one that
// the file's rules are.
void add_byte_level(const HfFile& hf, std::string_view pre, GgufTokenTable& table, GgufKeys& keys);

// Of SentencePiece's BPE: tokens, with scores that merge in the order of the file. Throws Error(kUnsupported)
// where no scores do.
void add_pieces(const HfFile& hf, GgufTokenTable& table);

}  // namespace lq
