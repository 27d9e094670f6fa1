#include "files/job.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "files/job_output.h"
#include "files/json_difference.h"
#include "files/json_file.h"
#include "files/path_access.h"
#include "files/publish.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

void make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  LQ_CHECK(!error, kIo, "[output] {}: cannot create the directory: {}", path.string(), error.message());
}

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  LQ_CHECK(!error, kIo, "[output] {}: cannot remove: {}", path.string(), error.message());
}

std::optional<Json> job_today(const fs::path& file, const JobOptions& options) {
  std::optional<Json> job = job_in(file);
  if (job && options.today) job = options.today(*job);
  return job;
}

bool holds_only_work(const fs::path& out) {
  return std::all_of(fs::directory_iterator(out), fs::directory_iterator(),
                     [](const fs::directory_entry& entry) { return entry.path().filename() == ".work"; });
}

bool holds_file(const fs::path& folder) {
  if (!fs::exists(status_of(folder))) return false;
  return std::any_of(fs::recursive_directory_iterator(folder), fs::recursive_directory_iterator(),
                     [](const fs::directory_entry& entry) { return !entry.is_directory(); });
}

std::vector<std::string> published_files(const fs::path& out) {
  std::vector<std::string> files;
  const fs::path manifest = out / kManifest;
  if (!fs::exists(manifest)) return files;
  const Json json = read_json(manifest);
  if (!json.is_object() || !json.contains("files") || !json["files"].is_array()) return files;
  for (const auto& item : json["files"]) {
    if (item.is_string() && is_inner_path(item.get<std::string>())) files.push_back(item.get<std::string>());
  }
  return files;
}

}  // namespace

void Job::check(const fs::path& out, const JobOptions& options) {
  with_io_errors([&] { check_job_output(out, options); });
}

void add_identity(JobOptions& options, const std::string& key, const nlohmann::json& value) {
  options.job[key] = value;
  options.today = [key, value, today = std::move(options.today)](const nlohmann::json& old) {
    nlohmann::json now = today ? today(old) : old;
    if (now.is_object()) now.emplace(key, value);
    return now;
  };
}

Job::Job(fs::path out, JobOptions options) : out_(std::move(out)), options_(std::move(options)) {
  check(out_, options_);
  if (!out_.has_filename()) out_ = out_.parent_path();  // "out/"
  with_io_errors([&] {
    switch (options_.output) {
      case JobOutput::kFolder:
        created_ = !fs::exists(status_of(out_));
        lock_ = OutputLock::take(work_dir() / "lock", out_);
        return decide_folder();
      case JobOutput::kFile:
        lock_ = OutputLock::take(work_dir() / "lock", out_);
        return decide_file();
      case JobOutput::kGrid:
        state_ = fs::exists(out_ / kGridLock) ? JobState::kResumable : JobState::kFresh;
        lock_ = OutputLock::take(out_ / kGridLock, out_);
    }
  });
}

fs::path Job::work_dir() const { return work_of(out_, options_); }

void Job::decide_folder() {
  if (publish_recorded(work_dir())) {
    roll_forward(out_, work_dir());
    lock_ = OutputLock::take(work_dir() / "lock", out_);
  }
  const fs::path job_file = work_dir() / "job.json";
  const std::optional<Json> finished = job_today(out_ / kManifest, options_);
  const std::optional<Json> begun = job_today(job_file, options_);
  if (finished && *finished == options_.job) {
    const auto files = published_files(out_);
    if (std::all_of(files.begin(), files.end(), [&](const auto& file) { return fs::exists(out_ / file); })) {
      state_ = JobState::kFinished;
      remove_tree(work_dir());
      return;
    }
  } else if (finished && !(begun && *begun == options_.job)) {
    LQ_CHECK(options_.overwrite, kInvalidArgument,
             "[output] {}: holds the result of another job ({}): choose another name, or overwrite it",
             out_.string(), json_differences(*finished, options_.job));
  }
  LQ_CHECK(finished || fs::exists(job_file) || holds_only_work(out_), kInvalidArgument,
           "[output] {}: exists, is not empty, and was not made by this program: choose another name",
           out_.string());
  if (begun && *begun == options_.job) {
    state_ = JobState::kResumable;
  } else if (fs::exists(job_file)) {
    LQ_CHECK(options_.overwrite || finished || !has_unfinished_work(), kInvalidArgument,
             "[output] {}: holds an unfinished run of another job ({}): choose another name, or overwrite it",
             out_.string(), json_differences(begun.value_or(Json()), options_.job));
  }
  if (state_ == JobState::kFresh) clear_work();
  remove_tree(final_dir());
  make_directory(store_dir());
  make_directory(final_dir());
  if (state_ == JobState::kFresh) begin_work();
}

void Job::decide_file() {
  const fs::path job_file = work_dir() / "job.json";
  if (!fs::exists(job_file)) return begin_work();
  const std::optional<Json> begun = job_today(job_file, options_);
  if (begun && *begun == options_.job) {
    state_ = JobState::kResumable;
    return;
  }
  LQ_CHECK(options_.overwrite, kInvalidArgument,
           "[output] {}: holds an unfinished run of another job ({}): finish that one, or remove the folder",
           work_dir().string(), json_differences(begun.value_or(Json()), options_.job));
  clear_work();
  begin_work();
}

void Job::begin_work() { write_json(work_dir() / "job.json", Json{{"format", 1}, {"job", options_.job}}); }

// Pieces and stages of another job are no help to this one.
void Job::clear_work() const {
  for (const auto& entry : fs::directory_iterator(work_dir())) {
    if (entry.path().filename() != "lock") remove_tree(entry.path());
  }
}

// Whether a run has left anything that another could use: a piece, or a stage's result.
bool Job::has_work() const {
  return std::any_of(fs::directory_iterator(work_dir()), fs::directory_iterator(), [&](const auto& entry) {
    const fs::path name = entry.path().filename();
    if (name == "lock" || name == "job.json" || name == "final") return false;
    return !entry.is_directory() || holds_file(entry.path());
  });
}

// Whether a run was stopped in the middle of its pieces or of a stage. Whole stages alone are what a command
// leaves that failed after them: the corrected command is another job, and is not held up by them.
bool Job::has_unfinished_work() const {
  if (holds_file(store_dir())) return true;
  const fs::path stages = work_dir() / "stages";
  if (!fs::exists(status_of(stages))) return false;
  return std::any_of(
      fs::directory_iterator(stages), fs::directory_iterator(),
      [](const fs::directory_entry& entry) { return entry.is_directory() && holds_file(entry.path()); });
}

Job::~Job() {
  if (state_ != JobState::kFresh || finished_ || !lock_.held() || options_.output == JobOutput::kGrid) return;
  try {
    if (has_work()) return;
    fs::remove_all(work_dir());
    if (created_) fs::remove(out_);  // only when empty
  } catch (const fs::filesystem_error&) {
    // What cannot be looked at or removed stays.
  }
}

std::vector<std::string> Job::finish(nlohmann::ordered_json manifest) {
  return with_io_errors([&] { return publish(std::move(manifest)); });
}

void Job::finish() {
  LQ_ASSERT(options_.output == JobOutput::kFile);
  with_io_errors([&] { remove_tree(work_dir()); });
  finished_ = true;
}

std::vector<std::string> Job::publish(nlohmann::ordered_json manifest) {
  LQ_ASSERT(options_.output == JobOutput::kFolder);
  LQ_CHECK(state_ != JobState::kFinished && !finished_, kInvalidArgument, "[output] {}: finished already",
           out_.string());
  const fs::path manifest_file = final_dir() / kManifest;
  std::vector<std::string> files = files_to_publish(final_dir());
  manifest["job"] = options_.job;
  manifest["files"] = files;
  write_json(manifest_file, manifest);
  files = files_to_publish(final_dir());
  sync_tree(final_dir());

  std::vector<std::string> obsolete;
  for (const std::string& old : published_files(out_)) {
    if (std::find(files.begin(), files.end(), old) == files.end()) obsolete.push_back(old);
  }
  record_publish(work_dir(), files, obsolete);
  roll_forward(out_, work_dir());
  finished_ = true;
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace lq
