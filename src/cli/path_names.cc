#include "cli/path_names.h"

#include <filesystem>

#include "base/error.h"
#include "unicode/utf8.h"

namespace lq::cli {

void check_path_names(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    std::error_code ignored;
    LQ_CHECK(
        utf8::is_valid(word) || !std::filesystem::exists(word, ignored), kInvalidArgument,
        "{}: the name of this file or folder is not UTF-8, and could not be written into what is made of it: "
        "rename it",
        utf8::repair(word));
  }
}

}  // namespace lq::cli
