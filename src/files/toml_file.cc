#include "files/toml_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/edit_distance.h"
#include "base/error.h"
#include "base/printable.h"
#include "files/toml_parse.h"

namespace lq {
namespace {

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

nlohmann::json json_of(const toml::node& node) {
  nlohmann::json json;
  if (const auto* table = node.as_table()) {
    json = nlohmann::json::object();
    for (const auto& [key, value] : *table) json[std::string(key.str())] = json_of(value);
  } else if (const auto* array = node.as_array()) {
    json = nlohmann::json::array();
    for (const auto& value : *array) json.push_back(json_of(value));
  } else if (const auto* text = node.as_string()) {
    json = text->get();
  } else if (const auto* integer = node.as_integer()) {
    json = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    json = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    json = flag->get();
  }
  return json;
}

}  // namespace

struct TomlFile::State {
  toml::table root;
  std::set<std::string, std::less<>> asked;

  const toml::node* find(std::string_view key) const {
    const std::size_t dot = key.find('.');
    if (dot == std::string_view::npos) return root.get(key);
    const toml::node* node = root.get(key.substr(0, dot));
    const toml::table* table = node == nullptr ? nullptr : node->as_table();
    return table == nullptr ? nullptr : table->get(key.substr(dot + 1));
  }
  const toml::node* ask(std::string_view key) {
    asked.emplace(key);
    return find(key);
  }
  // The asked key that looks most like this one, if any does.
  std::string suggestion(std::string_view key) const {
    return did_you_mean(key, {asked.begin(), asked.end()});
  }
};

TomlFile::TomlFile(std::string_view text, std::string name)
    : name_(std::move(name)), state_(std::make_unique<State>()) {
  state_->root = parse_toml(text, name_);
}
TomlFile::~TomlFile() = default;
TomlFile::TomlFile(TomlFile&&) noexcept = default;

namespace {

template <typename T>
std::optional<T> value_of(const toml::node& node) {
  if constexpr (std::is_same_v<T, double>) {
    const auto value = node.value<double>();
    return node.is_number() && value && std::isfinite(*value) ? value : std::nullopt;
  } else {
    return node.value_exact<T>();
  }
}

template <typename T>
constexpr const char* expected() {
  if constexpr (std::is_same_v<T, double>) return "a finite number";
  if constexpr (std::is_same_v<T, std::int64_t>) return "an integer";
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  return "text in quotes";
}

template <typename T>
std::optional<T> read_one(const TomlFile& file, const toml::node* node, std::string_view key) {
  if (node == nullptr) return std::nullopt;
  auto value = value_of<T>(*node);
  if (!value) file.refuse(key, fmt::format("is {}, expected {}", type_name(*node), expected<T>()));
  return value;
}

template <typename T>
std::optional<std::vector<T>> read_list(const TomlFile& file, const toml::node* node, std::string_view key) {
  if (node == nullptr) return std::nullopt;
  std::vector<T> all;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    all.push_back(*read_one<T>(file, node, key));
    return all;
  }
  for (const toml::node& item : *array) {
    auto value = value_of<T>(item);
    if (!value) file.refuse(key, fmt::format("holds {}, expected {} in it", type_name(item), expected<T>()));
    all.push_back(*value);
  }
  return all;
}

}  // namespace

std::optional<std::string> TomlFile::text(std::string_view key) {
  return read_one<std::string>(*this, state_->ask(key), key);
}
std::optional<bool> TomlFile::flag(std::string_view key) {
  return read_one<bool>(*this, state_->ask(key), key);
}
std::optional<std::int64_t> TomlFile::integer(std::string_view key) {
  return read_one<std::int64_t>(*this, state_->ask(key), key);
}
std::optional<double> TomlFile::number(std::string_view key) {
  return read_one<double>(*this, state_->ask(key), key);
}
std::optional<std::vector<std::string>> TomlFile::texts(std::string_view key) {
  return read_list<std::string>(*this, state_->ask(key), key);
}
std::optional<std::vector<std::int64_t>> TomlFile::integers(std::string_view key) {
  return read_list<std::int64_t>(*this, state_->ask(key), key);
}
std::optional<std::vector<double>> TomlFile::numbers(std::string_view key) {
  return read_list<double>(*this, state_->ask(key), key);
}

bool TomlFile::has(std::string_view key) const { return state_->find(key) != nullptr; }

void TomlFile::refuse(std::string_view key, const std::string& why) const {
  const toml::node* node = state_->find(key);
  const std::string place = node == nullptr ? name_ : fmt::format("{}:{}", name_, node->source().begin.line);
  fail(ErrorCode::kInvalidArgument, "{}: {} {}", place, printable(key), why);
}

void TomlFile::refuse_unknown() const {
  const toml::node* first = nullptr;
  std::string unknown;
  const auto check = [&](const std::string& key, const toml::node& node) {
    if (state_->asked.contains(key)) return;
    if (first != nullptr && first->source().begin.line <= node.source().begin.line) return;
    first = &node;
    unknown = key;
  };
  for (const auto& [key, node] : state_->root) {
    const std::string name(key.str());
    const toml::table* table = node.as_table();
    if (table == nullptr || state_->asked.contains(name)) {
      check(name, node);
      continue;
    }
    const auto of_table = [&](const std::string& asked) { return asked.starts_with(name + "."); };
    if (std::none_of(state_->asked.begin(), state_->asked.end(), of_table)) check(name, node);
    for (const auto& [inner, value] : *table) check(name + "." + std::string(inner.str()), value);
  }
  if (first != nullptr) refuse(unknown, "is not known here" + state_->suggestion(unknown));
}

nlohmann::json TomlFile::table(std::string_view name) const {
  const toml::node* node = state_->find(name);
  return node == nullptr ? nlohmann::json::object() : json_of(*node);
}

}  // namespace lq
