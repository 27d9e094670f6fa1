// Fields of a JSON object, with errors that name the file, the place and what should be there.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tokenizers/added_tokens.h"

namespace lq::tokenizers {

// Bytes; no file of a tokenizer is larger.
inline constexpr std::uint64_t kTokenizerFileLimit = std::uint64_t{1} << 32;

// How deep a tokenizer.json may nest Sequence in Sequence.
inline constexpr int kMaxSequenceDepth = 16;

// Parses text; who names it in the error. Throws kCorruptFile.
nlohmann::json parse_json(std::string_view text, const std::string& who);
// The bytes of a file. Throws kNotFound, kIo.
std::string read_text_file(const std::filesystem::path& path);

// The field, or the fallback where it is absent or null. Throws kCorruptFile where it is of another type.
std::string string_field(const nlohmann::json& object, const char* key, const std::string& fallback,
                         const std::string& who);
bool bool_field(const nlohmann::json& object, const char* key, bool fallback, const std::string& who);
std::int64_t int_field(const nlohmann::json& object, const char* key, std::int64_t fallback,
                       const std::string& who);
// The same for fields that must be there.
const nlohmann::json& required(const nlohmann::json& object, const char* key, const std::string& who);
std::string required_string(const nlohmann::json& object, const char* key, const std::string& who);

// An added token's content and flags; its id is written elsewhere. Throws kCorruptFile.
AddedToken added_token_fields(const nlohmann::json& object, const std::string& who);

}  // namespace lq::tokenizers
