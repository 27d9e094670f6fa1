#include "compare/compare_folder.h"

#include <fcntl.h>

#include "base/error.h"
#include "files/json_difference.h"
#include "files/json_file.h"
#include "files/output_dir.h"
#include "jobs/stage_files.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = ".compare.lock";

}  // namespace

CompareFolder::CompareFolder(fs::path out, const std::vector<fs::path>& inputs, Progress& progress,
                             bool overwrite)
    : out_(std::move(out)), progress_(progress), overwrite_(overwrite) {
  LQ_CHECK(!out_.empty(), kInvalidArgument, "[compare] an output folder was expected");
  std::error_code error;
  const bool ours = fs::exists(out_ / kLockName, error);
  // Those of other verbs are refused: only a folder of ours may hold anything.
  if (!ours) {
    const bool empty =
        !fs::exists(out_, error) || (fs::is_directory(out_, error) && fs::is_empty(out_, error));
    LQ_CHECK(empty, kInvalidArgument,
             "[compare] {}: exists, and was not made by this verb: choose another name", out_.string());
  }
  if (!inputs.empty() && !ours) OutputDir::check(out_, inputs);
  fs::create_directories(out_, error);
  LQ_CHECK(!error, kIo, "[compare] {}: cannot create the folder: {}", out_.string(), error.message());
  lock_ = open_file(out_ / kLockName, O_RDWR | O_CREAT, "create the lock");
  LQ_CHECK(try_lock(lock_, out_ / kLockName), kIo, "[compare] {}: another process is working on it",
           out_.string());
}

nlohmann::json CompareFolder::finished(const std::string& name, const nlohmann::json& job,
                                       const std::string& file) const {
  const fs::path path = out_ / (name + ".json");
  if (!fs::exists(path)) return {};
  const nlohmann::json found = read_json(path);
  LQ_CHECK(found.is_object() && found.contains("job") && found.contains("result") && found.contains("hash"),
           kCorruptFile, "{}: is no result of a comparison; remove it to have it made again", path.string());
  if (found["job"] != job) {
    LQ_CHECK(overwrite_, kInvalidArgument,
             "[compare] {}: was made by another recipe ({}): choose another folder, or overwrite it",
             path.string(), json_differences(found["job"], job));
    return {};
  }
  if (file.empty()) return found["result"];
  if (fs::exists(out_ / file) && content_hash(out_ / file) == found["hash"]) return found["result"];
  progress_.note(fmt::format("{}: changed or removed since it was made; made again", (out_ / file).string()));
  return {};
}

nlohmann::json CompareFolder::result(const std::string& name, const nlohmann::json& job,
                                     const std::string& file, const std::function<nlohmann::json()>& make) {
  nlohmann::json known = finished(name, job, file);
  if (!known.is_null()) return known;
  const fs::path path = out_ / (name + ".json");
  fs::create_directories(path.parent_path());
  fs::remove(path);
  const nlohmann::json result = make();
  const nlohmann::json hash = file.empty() ? nlohmann::json() : nlohmann::json(content_hash(out_ / file));
  write_json(path, nlohmann::json{{"job", job}, {"result", result}, {"hash", hash}});
  return result;
}

}  // namespace lq
