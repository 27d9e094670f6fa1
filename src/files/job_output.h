// What stands where a job's output goes, before anything is made there.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "files/job.h"

namespace lq {

constexpr std::string_view kManifest = "lqlora.json";
constexpr std::string_view kGridLock = ".compare.lock";

// A path that cannot even be looked at (its parent is a file, or closed to us) counts as absent: creating it
// says why.
std::filesystem::file_status status_of(const std::filesystem::path& path);

// The "job" of a file of ours; nothing when the file is not there or says nothing of a job.
std::optional<nlohmann::json> job_in(const std::filesystem::path& file);

// Whether a folder is an output of this program, finished or begun, or the unfinished work of one: no data,
// though it may lie among them.
bool is_output_folder(const std::filesystem::path& folder);

// Where unfinished work lies.
std::filesystem::path work_of(const std::filesystem::path& out, const JobOptions& options);

// Throws Error(kInvalidArgument) for an output that is or holds an input, or is in the way.
void check_job_output(const std::filesystem::path& out, const JobOptions& options);

}  // namespace lq
