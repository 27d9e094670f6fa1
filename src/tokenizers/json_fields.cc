#include "tokenizers/json_fields.h"

#include <fstream>
#include <sstream>

#include "base/error.h"

namespace lq::tokenizers {
namespace {

const nlohmann::json* find(const nlohmann::json& object, const char* key, const std::string& who) {
  LQ_CHECK(object.is_object(), kCorruptFile, "{}: should be an object with '{}', is {}", who, key,
           object.type_name());
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

[[noreturn]] void wrong(const nlohmann::json& value, const char* key, const char* type,
                        const std::string& who) {
  fail(ErrorCode::kCorruptFile, "{}: '{}' should be {}, is {}", who, key, type, value.type_name());
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& who) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kCorruptFile, "{}: not valid JSON: {}", who, e.what());
  }
}

std::string read_text_file(const std::filesystem::path& path) {
  std::error_code ec;
  LQ_CHECK(std::filesystem::exists(path, ec), kNotFound, "{}: no such file", path.string());
  LQ_CHECK(std::filesystem::is_regular_file(path, ec), kInvalidArgument, "{}: not a file", path.string());
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  LQ_CHECK(in.is_open() && !in.bad(), kIo, "{}: cannot be read", path.string());
  return std::move(bytes).str();
}

std::string string_field(const nlohmann::json& object, const char* key, const std::string& fallback,
                         const std::string& who) {
  const auto* value = find(object, key, who);
  if (value == nullptr) return fallback;
  if (!value->is_string()) wrong(*value, key, "a string", who);
  return value->get<std::string>();
}

bool bool_field(const nlohmann::json& object, const char* key, bool fallback, const std::string& who) {
  const auto* value = find(object, key, who);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) wrong(*value, key, "true or false", who);
  return value->get<bool>();
}

std::int64_t int_field(const nlohmann::json& object, const char* key, std::int64_t fallback,
                       const std::string& who) {
  const auto* value = find(object, key, who);
  if (value == nullptr) return fallback;
  if (!value->is_number_integer()) wrong(*value, key, "a whole number", who);
  return value->get<std::int64_t>();
}

const nlohmann::json& required(const nlohmann::json& object, const char* key, const std::string& who) {
  const auto* value = find(object, key, who);
  LQ_CHECK(value != nullptr, kCorruptFile, "{}: '{}' is missing", who, key);
  return *value;
}

std::string required_string(const nlohmann::json& object, const char* key, const std::string& who) {
  const auto& value = required(object, key, who);
  if (!value.is_string()) wrong(value, key, "a string", who);
  return value.get<std::string>();
}

AddedToken added_token_fields(const nlohmann::json& object, const std::string& who) {
  AddedToken token;
  token.content = required_string(object, "content", who);
  token.special = bool_field(object, "special", false, who);
  token.single_word = bool_field(object, "single_word", false, who);
  token.lstrip = bool_field(object, "lstrip", false, who);
  token.rstrip = bool_field(object, "rstrip", false, who);
  token.normalized = bool_field(object, "normalized", !token.special, who);
  return token;
}

}  // namespace lq::tokenizers
