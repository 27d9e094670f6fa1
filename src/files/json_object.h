// config.json of a Hugging Face model: every key is kept, known or not; getters check what they return.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lq {

// A JSON object with typed getters. Every error names the file and the key with its path
// ("rope_scaling.factor"). Missing key: Error(kNotFound); wrong type or out of range: Error(kCorruptFile). A
// null counts as missing.
class JsonObject {
 public:
  // Reads DIRECTORY/config.json, or the file itself. Throws Error(kNotFound), Error(kIo),
  // Error(kCorruptFile).
  static JsonObject load(const std::filesystem::path& directory_or_file);
  static JsonObject parse(std::string_view text, std::string who);
  // Throws Error(kCorruptFile) when it is no object.
  JsonObject(nlohmann::ordered_json json, std::string who);

  bool has(std::string_view key) const;  // there, and not null
  // Integers; 12.0 counts as 12. The defaults suit sizes: 1 to 2^40.
  std::int64_t integer(std::string_view key, std::int64_t min = 1,
                       std::int64_t max = std::int64_t{1} << 40) const;
  std::int64_t integer_or(std::string_view key, std::int64_t fallback, std::int64_t min = 1,
                          std::int64_t max = std::int64_t{1} << 40) const;
  // Finite numbers in [min, max].
  double number(std::string_view key, double min = -1e300, double max = 1e300) const;
  double number_or(std::string_view key, double fallback, double min = -1e300, double max = 1e300) const;
  bool boolean(std::string_view key) const;
  bool boolean_or(std::string_view key, bool fallback) const;
  std::string text(std::string_view key) const;
  std::string text_or(std::string_view key, std::string_view fallback) const;
  // A list; a single value counts as a list of one (eos_token_id comes as either). Missing: empty.
  std::vector<std::string> texts(std::string_view key) const;
  std::vector<std::int64_t> integers(std::string_view key, std::int64_t min, std::int64_t max) const;
  // A nested object as a config of its own (a copy), its keys named "key.inner" in errors.
  JsonObject section(std::string_view key) const;
  std::optional<JsonObject> section_if(std::string_view key) const;

  const std::string& who() const { return who_; }
  const nlohmann::ordered_json& json() const { return json_; }
  nlohmann::ordered_json& json() { return json_; }
  // Writes atomically, keys in their order.
  void save(const std::filesystem::path& path) const;

 private:
  const nlohmann::ordered_json* value(std::string_view key) const;
  const nlohmann::ordered_json& required(std::string_view key) const;

  nlohmann::ordered_json json_;
  std::string who_;     // "[config] DIR/config.json"
  std::string prefix_;  // "rope_scaling." within a section
};

}  // namespace lq
