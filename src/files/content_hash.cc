#include "files/content_hash.h"

#include <algorithm>
#include <vector>

#include "base/hash.h"
#include "files/job_output.h"
#include "files/mapped_file.h"
#include "files/path_access.h"

namespace lq {
namespace {

// Regular files. Not by the library's own recursion, whose errors do not say where they are.
void add_files_below(const std::filesystem::path& folder, std::vector<std::filesystem::path>& files) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_directory() && !entry.is_symlink() && !is_output_folder(entry.path()))
      add_files_below(entry.path(), files);
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
}

}  // namespace

std::string content_hash(const std::filesystem::path& path) {
  Hasher hasher;
  if (std::filesystem::is_directory(path_status(path))) {
    std::vector<std::filesystem::path> files;
    with_io_errors([&] { add_files_below(path, files); });
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
