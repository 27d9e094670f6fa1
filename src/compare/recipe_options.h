// Described options (files/options/option.h) as keys of a recipe: those of finetune in its table [finetune].
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "compare/recipe_values.h"
#include "files/options/option.h"

namespace lq {

// Sets each described option that the recipe has, and leaves the others as they are. Paths are the recipe's
// (RecipeValues::existing). Throws Error(kInvalidArgument) as TomlFile::refuse does.
class RecipeOptions final : public OptionVisitor {
 public:
  // table: "finetune" for keys such as finetune.batch-size; empty: keys without a table. `skip`: options that
  // are not read here.
  RecipeOptions(RecipeValues& values, std::string table, std::set<std::string> skip = {})
      : values_(values), table_(std::move(table)), skip_(std::move(skip)) {}
  void option(const OptionInfo& info, std::unique_ptr<OptionValue> value) override;
  // After the last option: refuses options that exclude each other.
  void finish() const;
  const GivenOptions& given() const { return given_; }

  // The recipe's key of an option.
  std::string key_of(const std::string& option) const;

 private:
  // The value at a key of the file that is there.
  nlohmann::json read(const std::string& key, const OptionValue& value) const;

  RecipeValues& values_;
  std::string table_;
  std::set<std::string> skip_;
  GivenOptions given_;
  std::map<std::string, std::vector<std::string>> excludes_;
};

}  // namespace lq
