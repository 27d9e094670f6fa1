#include "files/job_output.h"

#include <algorithm>

#include "base/error.h"
#include "files/json_file.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

bool is_within(const fs::path& inner, const fs::path& outer) {
  const auto [end, unused] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return end == outer.end();
}

void check_inputs(const fs::path& out, const std::vector<fs::path>& inputs) {
  LQ_CHECK(!out.empty(), kInvalidArgument, "[output] an output was expected");
  const fs::path real = fs::weakly_canonical(out.has_filename() ? out : out.parent_path());
  for (const fs::path& input : inputs) {
    std::error_code ignored;
    const bool same = fs::equivalent(input, out, ignored);
    LQ_CHECK(!same, kInvalidArgument, "[output] {}: is the input itself: choose another name", out.string());
    LQ_CHECK(!is_within(fs::weakly_canonical(input), real), kInvalidArgument,
             "[output] {}: holds the input {}: choose another name", out.string(), input.string());
  }
}

void check_folder(const fs::path& out, bool ours) {
  const fs::file_status status = status_of(out);
  if (!fs::exists(status)) return;
  LQ_CHECK(fs::is_directory(status), kInvalidArgument, "[output] {}: exists and is not a folder",
           out.string());
  LQ_CHECK(ours || fs::is_empty(out), kInvalidArgument,
           "[output] {}: exists, is not empty, and was not made by this program: choose another name",
           out.string());
}

void check_file(const fs::path& out, const JobOptions& options) {
  const fs::file_status status = status_of(out);
  LQ_CHECK(!fs::is_directory(status), kInvalidArgument, "[output] {}: is a folder, but a file is written",
           out.string());
  LQ_CHECK(!fs::is_regular_file(status) || !options.is_kind || options.is_kind(out), kInvalidArgument,
           "[output] {}: exists and is no {}: it is left alone", out.string(), options.kind);
  const fs::path work = work_of(out, options);
  const fs::file_status there = status_of(work);
  if (!fs::exists(there)) return;
  LQ_CHECK(fs::is_directory(there) &&
               (fs::is_empty(work) || fs::exists(work / "lock") || fs::exists(work / "job.json")),
           kInvalidArgument,
           "[output] {}: is in the way of unfinished work, and was not made by this program", work.string());
}

}  // namespace

fs::file_status status_of(const fs::path& path) {
  std::error_code ignored;
  return fs::status(path, ignored);
}

std::optional<Json> job_in(const fs::path& file) {
  if (!fs::exists(file)) return std::nullopt;
  Json json;
  try {
    json = read_json(file);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kCorruptFile) return std::nullopt;
    throw;
  }
  if (!json.is_object()) return std::nullopt;
  if (json.contains("verb") && !json.contains("job")) return json;  // as sweep once wrote it
  return json.contains("job") ? std::optional<Json>(json["job"]) : std::nullopt;
}

bool is_output_folder(const fs::path& folder) {
  if (fs::exists(status_of(folder / kGridLock)) || job_in(folder / kManifest)) return true;
  return folder.extension() == ".work" && job_in(folder / "job.json");
}

fs::path work_of(const fs::path& out, const JobOptions& options) {
  if (options.output == JobOutput::kFolder) return out / ".work";
  return options.work.empty() ? fs::path(out.string() + ".work") : options.work;
}

void check_job_output(const fs::path& out, const JobOptions& options) {
  check_inputs(out, options.inputs);
  switch (options.output) {
    case JobOutput::kFolder:
      return check_folder(out, fs::exists(out / ".work") || job_in(out / kManifest));
    case JobOutput::kFile:
      return check_file(out, options);
    case JobOutput::kGrid:
      return check_folder(out, fs::exists(out / kGridLock));
  }
}

}  // namespace lq
