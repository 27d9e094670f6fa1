// Results of a long job's stages, kept as files in its work folder: known to be whole when they are found
// again.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/progress.h"

namespace lq {

// Not thread-safe.
class StageFiles {
 public:
  // Creates the directory.
  explicit StageFiles(std::filesystem::path directory, Progress& progress);

  // DIRECTORY/name, made by `make(path)` unless a run before has made it and its bytes are still those.
  // `make` must leave a whole file at the path or throw. A damaged file is noted, removed and made again.
  std::filesystem::path get(const std::string& name,
                            const std::function<void(const std::filesystem::path&)>& make);
  // Where a stage may keep unfinished work; what lies there is the stage's own.
  std::filesystem::path work_dir(const std::string& name) const { return directory_ / (name + ".work"); }

 private:
  std::filesystem::path directory_;
  Progress& progress_;
};

}  // namespace lq
