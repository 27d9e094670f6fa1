// What a finished job of a folder (files/job.h) said of itself in OUT/lqlora.json, for the same job again.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace lq {

// "report" of OUT/lqlora.json. Throws Error(kNotFound), Error(kIo), Error(kCorruptFile), naming the file.
nlohmann::json job_report(const std::filesystem::path& out);

// That as the job's own type, by its from_json(json, who), and marked as work of a run before.
template <typename Report>
Report finished_job_report(const std::filesystem::path& out,
                           Report (*from_json)(const nlohmann::json&, const std::string& who)) {
  Report report = from_json(job_report(out), (out / "lqlora.json").string());
  report.already_done = true;
  return report;
}

}  // namespace lq
