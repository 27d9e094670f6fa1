#include "jobs/stage_files.h"

#include <fmt/format.h>

#include "base/error.h"
#include "files/atomic_file.h"
#include "files/content_hash.h"
#include "files/json_file.h"

namespace lq {

StageFiles::StageFiles(std::filesystem::path directory, Progress& progress)
    : directory_(std::move(directory)), progress_(progress) {
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  LQ_CHECK(!error, kIo, "{}: cannot be created: {}", directory_.string(), error.message());
}

std::filesystem::path StageFiles::get(const std::string& name,
                                      const std::function<void(const std::filesystem::path&)>& make) {
  const std::filesystem::path path = directory_ / name;
  const std::filesystem::path seal = directory_ / (name + ".hash");
  if (std::filesystem::exists(path) && std::filesystem::exists(seal)) {
    if (read_text(seal) == content_hash(path)) {
      progress_.note(fmt::format("{}: finished before", name));
      return path;
    }
    progress_.note(fmt::format("{}: damaged since it was made; made again", path.string()));
  }
  std::filesystem::remove(seal);
  std::filesystem::remove(path);
  make(path);
  write_file_atomically(seal, content_hash(path));
  return path;
}

}  // namespace lq
