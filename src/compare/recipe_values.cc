#include "compare/recipe_values.h"

#include "base/error.h"
#include "files/environment_text.h"

namespace lq {

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
  std::string full;
  try {
    full = with_environment(text);
  } catch (const Error& e) {
    file_.refuse(key, e.what());
  }
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
