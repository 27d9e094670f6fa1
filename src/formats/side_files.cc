#include "formats/side_files.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

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

bool is_side_file(const std::string& name) {
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() || name.ends_with(".tiktoken");
}

}  // namespace

std::vector<std::string> side_files(const Folder& folder) {
  std::vector<std::string> names = folder.names();
  std::erase_if(names, [](const std::string& name) { return !is_side_file(name); });
  return names;
}

std::vector<std::string> copy_side_files(const Folder& from, const std::filesystem::path& to) {
  std::vector<std::string> names = side_files(from);
  for (const std::string& name : names) {
    if (from.in_memory()) {
      write_file_atomically(to / name, from.read(name, std::numeric_limits<std::uint64_t>::max()));
    } else {
      copy_file_atomically(from.path() / name, to / name);
    }
  }
  return names;
}

}  // namespace lq
