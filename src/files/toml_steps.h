// A TOML file as a list of steps: its tables in the order of the file, each with a name, and the keys above
// them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lq {

struct TomlSetting {
  std::string key;
  nlohmann::json value;  // text, number, boolean, or a list of them
  std::int64_t line = 0;
};

struct TomlStep {
  std::string name;
  std::int64_t line = 0;
  std::vector<TomlSetting> settings;  // in the order of the file
};

struct TomlSteps {
  std::vector<TomlSetting> top;
  std::vector<TomlStep> steps;
};

// [name] is a step, and each [[name]] another of the same name. ${NAME} in a text becomes the environment's
// value. `name` stands in messages. Throws Error(kCorruptFile) for text that is no TOML,
// Error(kInvalidArgument) "NAME:LINE: ..." for deeper tables, dates, lists of anything but texts, numbers and
// booleans, and variables that are not set.
TomlSteps read_toml_steps(std::string_view text, const std::string& name);

}  // namespace lq
