#include "compare/compare_folder.h"

#include "base/error.h"
#include "files/content_hash.h"
#include "files/json_difference.h"
#include "files/json_file.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

JobOptions job_options(const std::vector<fs::path>& inputs, bool overwrite) {
  JobOptions options;
  options.output = JobOutput::kGrid;
  options.inputs = inputs;
  options.overwrite = overwrite;
  return options;
}

// Older versions did not write which config.json the model had: they count as having had today's.
nlohmann::json with_config(nlohmann::json old, const nlohmann::json& job) {
  if (!old.is_object() || !job.is_object()) return old;
  for (const auto& [key, value] : job.items()) {
    if (key == "config_hash") old.emplace(key, value);
    if (old.contains(key)) old[key] = with_config(old[key], value);
  }
  return old;
}

}  // namespace

CompareFolder::CompareFolder(fs::path out, const std::vector<fs::path>& inputs, Progress& progress,
                             bool overwrite)
    : job_(std::move(out), job_options(inputs, overwrite)), progress_(progress), overwrite_(overwrite) {}

nlohmann::json CompareFolder::finished(const std::string& name, const nlohmann::json& job,
                                       const std::string& file) const {
  const fs::path record = path(name + ".json");
  if (!fs::exists(record)) return {};
  const nlohmann::json found = read_json(record);
  LQ_CHECK(found.is_object() && found.contains("job") && found.contains("result") && found.contains("hash"),
           kCorruptFile, "{}: is no result of a comparison; remove it to have it made again",
           record.string());
  if (with_config(found["job"], job) != job) {
    LQ_CHECK(overwrite_, kInvalidArgument,
             "[compare] {}: was made by another recipe ({}): choose another folder, or overwrite it",
             record.string(), json_differences(found["job"], job));
    return {};
  }
  if (file.empty() || found["hash"].is_null()) return found["result"];
  if (fs::exists(path(file)) && content_hash(path(file)) == found["hash"]) return found["result"];
  progress_.note(fmt::format("{}: changed or removed since it was made; made again", path(file).string()));
  return {};
}

nlohmann::json CompareFolder::result(const std::string& name, const nlohmann::json& job,
                                     const std::string& file, const std::function<nlohmann::json()>& make) {
  nlohmann::json known = finished(name, job, file);
  if (!known.is_null()) return known;
  const fs::path record = path(name + ".json");
  fs::create_directories(record.parent_path());
  fs::remove(record);
  const nlohmann::json result = make();
  const bool made = !file.empty() && fs::exists(path(file));
  const nlohmann::json hash = made ? nlohmann::json(content_hash(path(file))) : nlohmann::json();
  write_json(record, nlohmann::json{{"job", job}, {"result", result}, {"hash", hash}});
  return result;
}

}  // namespace lq
