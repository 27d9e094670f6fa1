// A TOML file of settings, read key by key. Every refusal is one line that names file and line; what nobody
// asked for is refused at the end.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lq {

// Keys are "name" or "table.name"; deeper tables are not known here. Asking for a key that is not there gives
// nothing; one of another type throws Error(kInvalidArgument). Not thread-safe: it remembers what was asked.
class TomlFile {
 public:
  // `name` stands in messages. Throws Error(kCorruptFile) for text that is no TOML.
  TomlFile(std::string_view text, std::string name);
  ~TomlFile();
  TomlFile(TomlFile&&) noexcept;

  const std::string& name() const { return name_; }
  std::optional<std::string> text(std::string_view key);
  std::optional<bool> flag(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key);
  // Finite; an integer is one too.
  std::optional<double> number(std::string_view key);
  // A list, or one alone.
  std::optional<std::vector<std::string>> texts(std::string_view key);
  std::optional<std::vector<std::int64_t>> integers(std::string_view key);
  std::optional<std::vector<double>> numbers(std::string_view key);

  bool has(std::string_view key) const;
  // Throws Error(kInvalidArgument) "NAME:LINE: KEY WHY"; the line is left out for a key that is not there.
  [[noreturn]] void refuse(std::string_view key, const std::string& why) const;
  // Throws for the first key that was never asked for.
  void refuse_unknown() const;
  // The values of a table, as they stand.
  nlohmann::json table(std::string_view name) const;

 private:
  struct State;
  std::string name_;
  std::unique_ptr<State> state_;
};

}  // namespace lq
