#include "formats/side_files.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "files/atomic_file.h"

namespace lq {
namespace {

constexpr std::array<std::string_view, 12> kNames = {"tokenizer.json",
                                                     "tokenizer.model",
                                                     "tokenizer_config.json",
                                                     "special_tokens_map.json",
                                                     "added_tokens.json",
                                                     "vocab.json",
                                                     "merges.txt",
                                                     "vocab.txt",
                                                     "spiece.model",
                                                     "generation_config.json",
                                                     "chat_template.jinja",
                                                     "chat_template.json"};

bool is_side_file(const std::filesystem::path& path) {
  return std::find(kNames.begin(), kNames.end(), path.filename().string()) != kNames.end() ||
         path.extension() == ".tiktoken";
}

}  // namespace

std::vector<std::string> side_files(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (is_side_file(entry.path()) && entry.is_regular_file()) {
      names.push_back(entry.path().filename().string());
    }
  }
  LQ_CHECK(!error, kIo, "[io] {}: cannot read the directory: {}", directory.string(), error.message());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> copy_side_files(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::vector<std::string> names = side_files(from);
  for (const std::string& name : names) copy_file_atomically(from / name, to / name);
  return names;
}

}  // namespace lq
