// Downloads a model or a data file from the hub into its cache.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/stop.h"

namespace lq::hub {

struct PullOptions {
  std::string repository;               // as parse_repository reads it
  std::vector<std::string> files = {};  // globs; none: what a model needs (wanted_files)
  bool offline = false;                 // only look into the cache
  std::string endpoint = {};            // empty: HF_ENDPOINT, else https://huggingface.co
  std::filesystem::path cache = {};     // empty: default_cache()
  int tries = 5;                        // of each request, where the connection fails, stalls or is cut off
  double stall_seconds = 60.0;
  double wait_seconds = 1.0;  // before the second try, and longer each time
};

struct PullReport {
  std::string commit;
  std::filesystem::path snapshot;       // the folder
  std::vector<std::string> files = {};  // in it, that were asked for
  std::int64_t downloaded = 0;          // of them, not in the cache before
  std::int64_t downloaded_bytes = 0;
};

nlohmann::ordered_json to_json(const PullReport& report);

// Of a repository's files those that a model needs: config.json and other JSON, tokenizer files, templates,
// weights as .safetensors. Where there are none of those, all but what other programs load (.bin, .pt, .h5,
// ...).
std::vector<std::string> wanted_files(const std::vector<std::string>& files,
                                      const std::vector<std::string>& globs);

// A download that stopped goes on where it was; a file is in the cache only when its hash is right. The token
// is HF_TOKEN's, or that of HF_HOME/token. Throws Error(kNotFound) for a repository, revision or file that is
// not there (naming it, and where access is refused what to do); Error(kIo) where the connection fails again
// and again; Error(kCorruptFile) for an answer that is not the hub's, lengths that do not fit, and content of
// another hash; Error(kInterrupted); Error(kUnsupported) without libcurl.
PullReport pull(const PullOptions& options, Progress& progress, const StopToken& stop);

}  // namespace lq::hub
