#include "files/content_hash.h"

#include <algorithm>
#include <vector>

#include "base/hash.h"
#include "files/mapped_file.h"
#include "files/path_access.h"

namespace lq {
namespace {

// Regular files, sorted.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder) {
  return with_io_errors([&] {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  });
}

}  // namespace

std::string content_hash(const std::filesystem::path& path) {
  Hasher hasher;
  if (std::filesystem::is_directory(path_status(path))) {
    for (const auto& file : files_below(path)) {
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
