// The small JSON files beside a tokenizer: tokenizer_config.json, special_tokens_map.json, added_tokens.json
// and chat_template.jinja. All of them may be absent. As transformers 5 has it, what special_tokens_map.json
// names goes before tokenizer_config.json, and is not read where that has an added_tokens_decoder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "files/folder.h"
#include "tokenizers/added_tokens.h"
#include "tokenizers/tokenizer.h"

namespace lq::tokenizers {

struct TokenizerConfig {
  bool present = false;         // there is a tokenizer_config.json
  std::string tokenizer_class;  // without "Fast": "LlamaTokenizer", "Qwen2Tokenizer"
  std::string model_type;       // of config.json, where there is one
  std::optional<std::string> bos, eos, unk, pad;
  std::optional<bool> add_bos, add_eos;
  bool split_special = false;  // split_special_tokens: the text of special tokens is ordinary text
  std::optional<bool> legacy, add_prefix_space, lower_case, cjk_characters, strip_accents;
  std::vector<AddedToken> added;  // of added_tokens_decoder, by ids, and added_tokens.json
  // There is an added_tokens_decoder: its flags go before those of tokenizer.json.
  bool added_decides = false;
  // All tokens that these files name as special, with their flags: first those with a name, bos_token first.
  // Their ids are not set.
  std::vector<AddedToken> special;
  std::optional<std::string> chat_template;                // Jinja, the default one
  std::optional<std::string> tool_template;                // the one named "tool_use"
  std::vector<std::pair<std::string, std::string>> named;  // "bos_token", "image_token" ...: their contents
};

// Throws kCorruptFile with the file and the field named.
TokenizerConfig read_tokenizer_config(const Folder& folder);

// Ids of the named tokens, by `find` (vocabulary and added tokens together).
template <typename Find>
SpecialTokens resolve_special_tokens(const TokenizerConfig& config, const Find& find) {
  const auto id = [&](const std::optional<std::string>& name) {
    return name ? find(*name) : std::optional<std::int32_t>();
  };
  return {id(config.bos), id(config.eos), id(config.unk), id(config.pad)};
}

}  // namespace lq::tokenizers
