// The one typed reader of JSON objects, whoever wrote them: every key is kept, known or not; getters check
// what they return, and remember what was asked for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lq {

// Every error names the file and the key with its path ("rope_scaling.factor", "matrices[3].rank"). Missing
// key: Error(kNotFound); wrong type or out of range: Error(kCorruptFile). A null counts as missing. Copies
// and sections share the memory of what was asked for; const members are thread-safe.
class JsonObject {
 public:
  // A whole file (a path that ends in .gz is inflated); messages start with "[json] FILE". Throws
  // Error(kNotFound), Error(kIo), Error(kCorruptFile).
  static JsonObject load(const std::filesystem::path& file);
  static JsonObject parse(std::string_view text, std::string who);
  // Throws Error(kCorruptFile) when it is no object.
  JsonObject(nlohmann::ordered_json json, std::string who);
  // Of a file that must have its keys, such as those that this program writes and tokenizers': a missing one
  // is damage, Error(kCorruptFile).
  static JsonObject record(const nlohmann::json& json, std::string who);

  bool has(std::string_view key) const;  // there, and not null
  // Integers; 12.0 counts as 12. The defaults suit sizes: 1 to 2^40.
  std::int64_t integer(std::string_view key, std::int64_t min = 1,
                       std::int64_t max = std::int64_t{1} << 40) const;
  std::int64_t integer_or(std::string_view key, std::int64_t fallback, std::int64_t min = 1,
                          std::int64_t max = std::int64_t{1} << 40) const;
  // An integer from 0 to 2^62.
  std::int64_t count(std::string_view key) const { return integer(key, 0, std::int64_t{1} << 62); }
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
  // Numbers; missing: empty.
  std::vector<double> numbers(std::string_view key, double min = -1e300, double max = 1e300) const;
  std::optional<double> number_if(std::string_view key) const;
  // Whatever is there, for readers of other shapes.
  const nlohmann::ordered_json& any(std::string_view key) const { return required(key); }
  // A seed or a count of any size: 0 to 2^64 - 1.
  std::uint64_t unsigned64(std::string_view key) const;
  // A nested object as an object of its own (a copy), its keys named "key.inner" in errors.
  JsonObject section(std::string_view key) const;
  std::optional<JsonObject> section_if(std::string_view key) const;
  // A list of objects, their keys named "key[0].inner". Missing: empty.
  std::vector<JsonObject> sections(std::string_view key) const;
  // The same, but the list must be there.
  std::vector<JsonObject> required_sections(std::string_view key) const;
  // The objects of an object whose keys are names ("modules": {"a": {...}, ...}), in their order. Missing:
  // empty.
  std::vector<std::pair<std::string, JsonObject>> named_sections(std::string_view key) const;

  // Keys of this object that no getter, has() included, was asked for, in their order.
  std::vector<std::string> unread_keys() const;

  const std::string& who() const { return who_; }
  const nlohmann::ordered_json& json() const { return json_; }
  nlohmann::ordered_json& json() { return json_; }
  // Writes atomically, keys in their order.
  void save(const std::filesystem::path& path) const;

 private:
  const nlohmann::ordered_json* value(std::string_view key) const;
  const nlohmann::ordered_json& required(std::string_view key) const;
  [[noreturn]] void refuse(std::string_view key, std::string_view expected) const;
  JsonObject inner(const nlohmann::ordered_json& json, const std::string& path) const;
  std::string name_of(std::string_view key) const;

  struct Asked;
  nlohmann::ordered_json json_;
  std::string who_;     // "[config] DIR/config.json"
  std::string prefix_;  // "rope_scaling." within a section
  bool record_ = false;
  std::shared_ptr<Asked> asked_;
};

}  // namespace lq
