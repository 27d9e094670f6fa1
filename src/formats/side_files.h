// The files beside the weights that a model needs to be used: tokenizer, generation settings, chat template.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "files/folder.h"

namespace lq {

// Names of the side files of a model, sorted: tokenizer.json, tokenizer.model, spiece.model,
// tokenizer_config.json, special_tokens_map.json, added_tokens.json, vocab.json, merges.txt, vocab.txt,
// *.tiktoken, generation_config.json, chat_template.jinja, chat_template.json and
// additional_chat_templates/*.jinja; of sentence encoders modules.json, sentence_bert_config.json,
// config_sentence_transformers.json and 1_Pooling/config.json. Neither config.json, nor weights, licences
// or read-mes. Throws Error(kIo).
std::vector<std::string> side_files(const Folder& folder);

// Copies them, each atomically; returns their names.
std::vector<std::string> copy_side_files(const Folder& from, const std::filesystem::path& to);

}  // namespace lq
