// Values of a recipe with the checks that its keys have in common.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "files/toml_file.h"

namespace lq {

// Not thread-safe. All throw Error(kInvalidArgument) as TomlFile::refuse does.
class RecipeValues {
 public:
  // directory: of the recipe.
  RecipeValues(TomlFile& file, std::filesystem::path directory)
      : file_(file), directory_(std::move(directory)) {}

  TomlFile& file() { return file_; }
  void require(std::string_view key, std::string_view what) const;

  // Each leaves `value` as it is where the key is not there.
  void integer(std::string_view key, std::int64_t& value, std::int64_t least,
               std::int64_t most = std::numeric_limits<std::int64_t>::max());
  void path(std::string_view key, std::filesystem::path& value);
  // The file or folder must exist.
  std::filesystem::path existing(std::string_view key, const std::string& text) const;
  std::vector<std::filesystem::path> existing_list(std::string_view key);
  // What `read` throws, said of this key.
  template <typename Read>
  void guard(std::string_view key, const Read& read) const {
    try {
      read();
    } catch (const Error& e) {
      file_.refuse(key, "is wrong: " + std::string(e.what()));
    }
  }
  // Not empty, nothing twice.
  template <typename T>
  void check_list(std::string_view key, const std::vector<T>& values) const {
    if (values.empty()) file_.refuse(key, "is empty");
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (values[i] == values[j]) file_.refuse(key, "names something twice");
      }
    }
  }

 private:
  TomlFile& file_;
  std::filesystem::path directory_;
};

}  // namespace lq
