#include "compare/recipe_options.h"

namespace lq {

std::string RecipeOptions::key_of(const std::string& option) const {
  return table_.empty() ? option : table_ + "." + option;
}

nlohmann::json RecipeOptions::read(const std::string& key, const OptionValue& value) const {
  TomlFile& file = values_.file();
  const bool list = value.list();
  switch (value.type()) {
    case OptionType::kFlag:
      return *file.flag(key);
    case OptionType::kInteger:
      return list ? nlohmann::json(*file.integers(key)) : nlohmann::json(*file.integer(key));
    case OptionType::kNumber:
      return list ? nlohmann::json(*file.numbers(key)) : nlohmann::json(*file.number(key));
    case OptionType::kPath: {
      nlohmann::json paths = nlohmann::json::array();
      if (!list) return values_.existing(key, *file.text(key)).string();
      for (const auto& path : values_.existing_list(key)) paths.push_back(path.string());
      return paths;
    }
    case OptionType::kText:
    case OptionType::kName:
    case OptionType::kBytes:
      break;
  }
  return list ? nlohmann::json(*file.texts(key)) : nlohmann::json(*file.text(key));
}

void RecipeOptions::option(const OptionInfo& info, std::unique_ptr<OptionValue> value) {
  if (skip_.contains(info.key)) return;
  excludes_[info.key] = info.excludes;
  std::vector<std::string> names = info.aliases;
  names.insert(names.begin(), info.key);
  std::string found;
  for (const std::string& name : names) {
    const std::string key = key_of(name);
    if (!values_.file().has(key)) {
      (void)values_.file().text(key);  // so that it is known to be a key
      continue;
    }
    if (!found.empty()) values_.file().refuse(key, "and " + found + " are one and the same");
    found = key;
    const nlohmann::json given = read(key, *value);
    // A flag that is false is not there.
    if (value->type() == OptionType::kFlag && given == false) continue;
    try {
      value->set(given);
    } catch (const Error& e) {
      values_.file().refuse(key, e.what());
    }
    given_.add(info.key);
  }
}

void RecipeOptions::finish() const {
  for (const auto& [key, others] : excludes_) {
    for (const std::string& other : others) {
      if (given_(key) && given_(other))
        values_.file().refuse(key_of(key), "and " + key_of(other) + " exclude each other");
    }
  }
}

}  // namespace lq
