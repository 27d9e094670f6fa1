#include "cli/json_target.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"

namespace lq::cli {

void check_json_target(const std::string& file, const std::vector<std::string>& words) {
  namespace fs = std::filesystem;
  std::error_code ec;
  if (file.empty() || file == "-" || !fs::is_regular_file(file, ec)) return;
  const auto same = [&](const std::string& word) {
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string path = equals == std::string::npos ? word : word.substr(equals + 1);
    std::error_code none;
    return !path.empty() && fs::is_regular_file(path, none) && fs::equivalent(path, file, none);
  };
  const auto times = std::ranges::count_if(words, same);
  LQ_CHECK(times <= 1, kInvalidArgument,
           "--json {}: this command names the file elsewhere too, and the result would take its place", file);
}

}  // namespace lq::cli
