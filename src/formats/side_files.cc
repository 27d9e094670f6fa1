#include "formats/side_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "files/atomic_file.h"

namespace lq {
namespace {

// Of a layer in a folder of its own: how a sentence encoder pools.
constexpr std::string_view kPoolingFile = "1_Pooling/config.json";
constexpr std::string_view kTemplateFolder = "additional_chat_templates";

constexpr std::array<std::string_view, 16> kNames = {"tokenizer.json",
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
                                                     "chat_template.json",
                                                     "modules.json",
                                                     "sentence_bert_config.json",
                                                     "config_sentence_transformers.json",
                                                     kPoolingFile};

bool is_side_file(const std::string& name) {
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() || name.ends_with(".tiktoken");
}

}  // namespace

std::vector<std::string> side_files(const Folder& folder) {
  std::vector<std::string> names = folder.names();
  std::erase_if(names, [](const std::string& name) { return !is_side_file(name); });
  if (folder.in_memory()) return names;
  if (folder.has(kPoolingFile)) names.emplace_back(kPoolingFile);
  const std::filesystem::path templates = folder.path() / kTemplateFolder;
  if (std::filesystem::is_directory(templates)) {
    for (const std::string& name : Folder(templates).names()) {
      if (name.ends_with(".jinja")) names.push_back(fmt::format("{}/{}", kTemplateFolder, name));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> copy_side_files(const Folder& from, const std::filesystem::path& to) {
  std::vector<std::string> names = side_files(from);
  for (const std::string& name : names) {
    std::filesystem::create_directories((to / name).parent_path());
    if (from.in_memory()) {
      write_file_atomically(to / name, from.read(name, std::numeric_limits<std::uint64_t>::max()));
    } else {
      copy_file_atomically(from.path() / name, to / name);
    }
  }
  return names;
}

}  // namespace lq
