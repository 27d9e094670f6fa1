#include "files/output_dir.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "base/printable.h"
#include "files/json_difference.h"
#include "files/json_file.h"
#include "files/publish.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kManifest = "lqlora.json";

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

// The "job" of a file of ours; nothing when the file is not there or says nothing of a job.
std::optional<Json> job_in(const fs::path& file) {
  if (!fs::exists(file)) return std::nullopt;
  Json json;
  try {
    json = read_json(file);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kCorruptFile) return std::nullopt;
    throw;
  }
  if (!json.is_object() || !json.contains("job")) return std::nullopt;
  return json["job"];
}

bool holds_only_work(const fs::path& out) {
  return std::all_of(fs::directory_iterator(out), fs::directory_iterator(),
                     [](const fs::directory_entry& entry) { return entry.path().filename() == ".work"; });
}

bool is_within(const fs::path& inner, const fs::path& outer) {
  const auto [end, unused] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return end == outer.end();
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

// A path that cannot even be looked at (its parent is a file, or closed to us) counts as absent: creating it
// says why.
fs::file_status status_of(const fs::path& path) {
  std::error_code ignored;
  return fs::status(path, ignored);
}

// What the standard library throws for a folder that may not be looked into, as an Error.
template <typename Body>
auto as_errors(const Body& body) {
  try {
    return body();
  } catch (const fs::filesystem_error& e) {
    fail_errno(e.path1(), "use", e.code().value());
  }
}

void check_output(const fs::path& out, const std::vector<fs::path>& inputs) {
  LQ_CHECK(!out.empty(), kInvalidArgument, "[output] an output folder was expected");
  const fs::path real = fs::weakly_canonical(out.has_filename() ? out : out.parent_path());
  for (const fs::path& input : inputs) {
    std::error_code ignored;
    const bool same = fs::equivalent(input, out, ignored);
    LQ_CHECK(!same, kInvalidArgument, "[output] {}: is the input itself: choose another name", out.string());
    LQ_CHECK(!is_within(fs::weakly_canonical(input), real), kInvalidArgument,
             "[output] {}: holds the input {}: choose another name", out.string(), input.string());
  }
  const fs::file_status status = status_of(out);
  if (!fs::exists(status)) return;
  LQ_CHECK(fs::is_directory(status), kInvalidArgument, "[output] {}: exists and is not a folder",
           out.string());
  LQ_CHECK(fs::exists(out / ".work") || job_in(out / kManifest) || fs::is_empty(out), kInvalidArgument,
           "[output] {}: exists, is not empty, and was not made by this program: choose another name",
           out.string());
}

}  // namespace

void OutputDir::check(const fs::path& out, const std::vector<fs::path>& inputs) {
  as_errors([&] { check_output(out, inputs); });
}

OutputDir::OutputDir(fs::path out, OutputOptions options)
    : out_(std::move(out)), options_(std::move(options)) {
  check(out_, options_.inputs);
  if (!out_.has_filename()) out_ = out_.parent_path();  // "out/"
  as_errors([&] {
    created_ = !fs::exists(status_of(out_));
    make_directory(out_);
    take_lock();
    decide();
  });
}

void OutputDir::take_lock() {
  const fs::path file = work_dir() / "lock";
  // A finishing process removes .work with the lock in it: a lock on a removed file is none.
  for (int tries = 0; tries < 100; ++tries) {
    make_directory(work_dir());
    FileDescriptor fd;
    try {
      fd = open_file(file, O_RDWR | O_CREAT, "create the lock");
    } catch (const Error&) {
      if (fs::exists(work_dir())) throw;
      continue;
    }
    LQ_CHECK(try_lock(fd, file), kIo, "[output] {}: another process is writing it", out_.string());
    struct stat mine {};
    struct stat there {};
    if (::fstat(fd.get(), &mine) == 0 && ::stat(file.c_str(), &there) == 0 && mine.st_ino == there.st_ino) {
      lock_ = std::move(fd);
      return;
    }
  }
  fail(ErrorCode::kIo, "[output] {}: its lock keeps vanishing", out_.string());
}

void OutputDir::decide() {
  if (publish_recorded(work_dir())) {
    roll_forward(out_, work_dir());
    take_lock();
  }
  const fs::path job_file = work_dir() / "job.json";
  const std::optional<Json> finished = job_in(out_ / kManifest);
  const std::optional<Json> begun = job_in(job_file);
  if (finished && *finished == options_.job) {
    const auto files = published_files(out_);
    if (std::all_of(files.begin(), files.end(), [&](const auto& file) { return fs::exists(out_ / file); })) {
      state_ = OutputState::kFinished;
      if (!options_.keep_work) remove_tree(work_dir());
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
    state_ = OutputState::kResumable;
  } else if (fs::exists(job_file)) {
    LQ_CHECK(options_.overwrite || finished, kInvalidArgument,
             "[output] {}: holds an unfinished run of another job ({}): choose another name, or overwrite it",
             out_.string(), json_differences(begun.value_or(Json()), options_.job));
    remove_tree(store_dir());
  }
  if (state_ == OutputState::kFresh) remove_tree(store_dir());
  remove_tree(final_dir());
  make_directory(store_dir());
  make_directory(final_dir());
  if (state_ == OutputState::kFresh) write_json(job_file, Json{{"format", 1}, {"job", options_.job}});
}

OutputDir::~OutputDir() {
  std::error_code ignored;
  if (state_ == OutputState::kFresh && !finished_ && lock_.open() && fs::is_empty(store_dir(), ignored) &&
      !ignored) {
    fs::remove_all(work_dir(), ignored);
    if (created_) fs::remove(out_, ignored);  // only when empty
  }
}

std::vector<std::string> OutputDir::finish(nlohmann::ordered_json manifest) {
  return as_errors([&] { return publish(std::move(manifest)); });
}

std::vector<std::string> OutputDir::publish(nlohmann::ordered_json manifest) {
  LQ_CHECK(state_ != OutputState::kFinished && !finished_, kInvalidArgument, "[output] {}: finished already",
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
  record_publish(work_dir(), files, obsolete, options_.keep_work);
  roll_forward(out_, work_dir());
  finished_ = true;
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace lq
