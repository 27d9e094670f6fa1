// What transformers' tokenizer classes change of a tokenizer.json.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tokenizers/tokenizer_config.h"

namespace lq::tokenizers {

// What tokenizer_config.json says goes before tokenizer.json's own parts where the class builds those parts
// itself: add_prefix_space, or its default, of GPT2Tokenizer, Qwen2Tokenizer, RobertaTokenizer, BartTokenizer
// (false) and LlamaTokenizer (true), whose BPE has byte pieces and no unknown token; do_lower_case,
// tokenize_chinese_chars and strip_accents of BertTokenizer and DistilBertTokenizer. Other classes, and all
// of them beside a model of type mistral, take the file as it is. So does everything else here, also where a
// class of transformers 5 would build another part than the file has (another pre-tokenizer for
// GPT2Tokenizer, a prefix at a text's start alone for LlamaTokenizer): the file is what the model was trained
// with.
void apply_class_settings(nlohmann::json& root, const TokenizerConfig& config);

}  // namespace lq::tokenizers
