// What transformers' tokenizer classes change of a tokenizer.json.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tokenizers/tokenizer_config.h"

namespace lq::tokenizers {

// The add_prefix_space of tokenizer_config.json goes before that of the file's own parts where the class
// (GPT2Tokenizer, Qwen2Tokenizer, RobertaTokenizer, BartTokenizer, LlamaTokenizer) builds these parts itself,
// and LlamaTokenizer's BPE has byte pieces and no unknown token. Other classes take the file as it is.
void apply_class_settings(nlohmann::json& root, const TokenizerConfig& config);

}  // namespace lq::tokenizers
