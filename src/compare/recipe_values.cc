#include "compare/recipe_values.h"

#include <cstdlib>

#include "base/error.h"

namespace lq {
namespace {

// ${NAME} becomes the environment's value.
std::string expanded(const TomlFile& file, std::string_view key, const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find("${", at);
    if (open == std::string::npos) return out + text.substr(at);
    const std::size_t close = text.find('}', open);
    if (close == std::string::npos) file.refuse(key, "holds '${' without '}'");
    const std::string name = text.substr(open + 2, close - open - 2);
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) file.refuse(key, "names the environment variable " + name + ", which is not set");
    out += text.substr(at, open - at) + value;
    at = close + 1;
  }
  return out;
}

}  // namespace

void RecipeValues::require(std::string_view key, std::string_view what) const {
  if (!file_.has(key)) file_.refuse(key, "is missing: " + std::string(what));
}

void RecipeValues::integer(std::string_view key, std::int64_t& value, std::int64_t least, std::int64_t most) {
  const auto given = file_.integer(key);
  if (!given) return;
  if (*given < least || *given > most) {
    file_.refuse(key, most == std::numeric_limits<std::int64_t>::max()
                          ? fmt::format("is {}, but must be {} or more", *given, least)
                          : fmt::format("is {}, but must be {} to {}", *given, least, most));
  }
  value = *given;
}

std::filesystem::path RecipeValues::existing(std::string_view key, const std::string& text) const {
  const std::string full = expanded(file_, key, text);
  if (full.empty()) file_.refuse(key, "is an empty path");
  const std::filesystem::path path = std::filesystem::weakly_canonical(directory_ / full);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    file_.refuse(key, fmt::format("names {}, which does not exist", path.string()));
  }
  return path;
}

void RecipeValues::path(std::string_view key, std::filesystem::path& value) {
  if (const auto given = file_.text(key)) value = existing(key, *given);
}

std::vector<std::filesystem::path> RecipeValues::existing_list(std::string_view key) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& text : file_.texts(key).value_or(std::vector<std::string>())) {
    paths.push_back(existing(key, text));
  }
  return paths;
}

}  // namespace lq
