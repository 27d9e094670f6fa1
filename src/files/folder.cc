#include "files/folder.h"

#include <algorithm>

#include "base/error.h"
#include "files/file_descriptor.h"
#include "files/path_access.h"

namespace lq {

std::string Folder::who(std::string_view name) const {
  if (in_memory_) return fmt::format("{} ({})", path_.string(), name);
  return (path_ / name).string();
}

bool Folder::has(std::string_view name) const {
  if (in_memory_) return texts_.contains(std::string(name));
  return path_exists(path_ / name);
}

std::string Folder::read(std::string_view name, std::uint64_t limit) const {
  if (!in_memory_) return read_file(path_ / name, limit);
  const auto at = texts_.find(std::string(name));
  LQ_CHECK(at != texts_.end(), kNotFound, "{}: says nothing of what {} would hold", path_.string(), name);
  LQ_CHECK(at->second.size() <= limit, kCorruptFile, "{}: {} bytes, but at most {} were expected", who(name),
           at->second.size(), limit);
  return at->second;
}

std::vector<std::string> Folder::names() const {
  std::vector<std::string> names;
  if (in_memory_) {
    for (const auto& [name, text] : texts_) names.push_back(name);
    return names;
  }
  with_io_errors([&] {
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (entry.is_regular_file()) names.push_back(entry.path().filename().string());
    }
  });
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace lq
