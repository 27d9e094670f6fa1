// The files beside the weights that a model needs to be used: tokenizer, generation settings, chat template.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lq {

// Names of the side files in a model directory, sorted: tokenizer.json, tokenizer.model,
// tokenizer_config.json, special_tokens_map.json, added_tokens.json, vocab.json, merges.txt, vocab.txt,
// generation_config.json, preprocessor settings of chat (chat_template.jinja, chat_template.json) and
// *.tiktoken. Neither config.json, nor weights, licences or read-mes.
std::vector<std::string> side_files(const std::filesystem::path& directory);

// Copies them, each atomically; returns their names.
std::vector<std::string> copy_side_files(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace lq
