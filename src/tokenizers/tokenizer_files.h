// Reading the files of tokenizers. Their vocabularies are large: they are parsed into plain JSON, whose
// look-ups are fast, and JsonObject reads their small parts.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lq::tokenizers {

// Bytes; no file of a tokenizer is larger.
inline constexpr std::uint64_t kTokenizerFileLimit = std::uint64_t{1} << 32;

// How deep a tokenizer.json may nest Sequence in Sequence.
inline constexpr int kMaxSequenceDepth = 16;

// Of two equal keys the last counts, as in the tokenizers library. who names the text in the error. Throws
// kCorruptFile, also for nesting deeper than kJsonDepthLimit.
nlohmann::json parse_tokenizer_json(std::string_view text, const std::string& who);
// The bytes of a file. Throws kNotFound, kIo.
std::string read_tokenizer_file(const std::filesystem::path& path);

}  // namespace lq::tokenizers
