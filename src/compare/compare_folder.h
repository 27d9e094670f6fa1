// Where a comparison keeps what it has done: OUT, a job's output of kind grid, with results that know what
// they were made of.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/progress.h"
#include "files/job.h"

namespace lq {

class CompareFolder {
 public:
  // Creates OUT. Throws Error(kInvalidArgument) for a folder that is or holds an input, or that no comparison
  // has made; Error(kIo) where another process works on it. `progress` outlives it.
  CompareFolder(std::filesystem::path out, const std::vector<std::filesystem::path>& inputs,
                Progress& progress, bool overwrite);

  const std::filesystem::path& path() const { return job_.path(); }
  std::filesystem::path path(const std::string& name) const { return path() / name; }

  // Whether results of other recipes are discarded instead of refused.
  bool overwrites() const { return overwrite_; }

  // OUT/NAME.json, made by make() unless a run before has made it from an equal `job` and OUT/`file` (if one
  // is named, and make() has left it) is still what it was then; a file that changed is noted, and made
  // again. Throws Error(kInvalidArgument) saying what differs where it was made of another job and is not to
  // be overwritten.
  nlohmann::json result(const std::string& name, const nlohmann::json& job, const std::string& file,
                        const std::function<nlohmann::json()>& make);
  // What result() would give without making it; null where it has to be made.
  nlohmann::json finished(const std::string& name, const nlohmann::json& job, const std::string& file) const;

 private:
  Job job_;
  Progress& progress_;
  bool overwrite_;
};

}  // namespace lq
