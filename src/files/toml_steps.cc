#include "files/toml_steps.h"

#include <algorithm>

#include "base/error.h"
#include "base/printable.h"
#include "files/environment_text.h"
#include "files/toml_parse.h"

namespace lq {
namespace {

class StepReader {
 public:
  explicit StepReader(std::string file) : file_(std::move(file)) {}

  TomlSteps read(const toml::table& root) const {
    TomlSteps result;
    for (const auto& [key, node] : root) {
      const std::string name(key.str());
      const toml::array* list = node.as_array();
      if (const toml::table* table = node.as_table()) {
        result.steps.push_back(step(name, *table));
      } else if (list != nullptr && list->is_array_of_tables()) {
        for (const toml::node& one : *list) result.steps.push_back(step(name, *one.as_table()));
      } else {
        result.top.push_back(setting(name, node));
      }
    }
    std::ranges::sort(result.steps, {}, &TomlStep::line);
    return result;
  }

 private:
  static std::int64_t line_of(const toml::node& node) { return node.source().begin.line; }

  [[noreturn]] void refuse(const toml::node& node, const std::string& key, std::string_view why) const {
    fail(ErrorCode::kInvalidArgument, "{}:{}: {} {}", file_, line_of(node), printable(key), why);
  }

  TomlStep step(const std::string& name, const toml::table& table) const {
    TomlStep result{name, line_of(table), {}};
    for (const auto& [key, node] : table) result.settings.push_back(setting(std::string(key.str()), node));
    std::ranges::stable_sort(result.settings, {}, &TomlSetting::line);
    return result;
  }

  TomlSetting setting(const std::string& key, const toml::node& node) const {
    TomlSetting result{key, {}, line_of(node)};
    if (const toml::array* list = node.as_array()) {
      result.value = nlohmann::json::array();
      for (const toml::node& one : *list) result.value.push_back(value(key, one));
    } else {
      result.value = value(key, node);
    }
    return result;
  }

  nlohmann::json value(const std::string& key, const toml::node& node) const {
    if (const auto* text = node.as_string()) {
      try {
        return with_environment(text->get());
      } catch (const Error& e) {
        refuse(node, key, e.what());
      }
    }
    if (const auto* integer = node.as_integer()) return integer->get();
    if (const auto* number = node.as_floating_point()) return number->get();
    if (const auto* flag = node.as_boolean()) return flag->get();
    refuse(node, key,
           "is a table, a date or a list in a list: expected text, a number, true or false, or a list");
  }

  std::string file_;
};

}  // namespace

TomlSteps read_toml_steps(std::string_view text, const std::string& name) {
  return StepReader(name).read(parse_toml(text, name));
}

}  // namespace lq
