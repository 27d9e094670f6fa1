// What transformers' tokenizer classes change of a tokenizer.json.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tokenizers/tokenizer_config.h"

namespace lq::tokenizers {

// The add_prefix_space of tokenizer_config.json, or the class's default where that does not say, goes before
// that of the file's own parts where the class builds these parts itself: GPT2Tokenizer, Qwen2Tokenizer,
// RobertaTokenizer, BartTokenizer (default false), LlamaTokenizer (default true), whose BPE has byte pieces
// and no unknown token. Other classes, and all of them beside a model of type mistral, take the file as it
// is.
void apply_class_settings(nlohmann::json& root, const TokenizerConfig& config);

}  // namespace lq::tokenizers
