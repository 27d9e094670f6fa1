#include "files/content_hash.h"

#include <algorithm>
#include <vector>

#include "base/hash.h"
#include "files/mapped_file.h"

namespace lq {

std::string content_hash(const std::filesystem::path& path) {
  Hasher hasher;
  if (std::filesystem::is_directory(path)) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      hasher.update(file.lexically_relative(path).string());
      hasher.update(content_hash(file));
    }
    return hasher.hex();
  }
  const MappedFile file(path);
  hasher.update(file.data(), file.size());
  return hasher.hex();
}

}  // namespace lq
