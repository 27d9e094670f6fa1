// An output directory OUT that becomes visible whole. While a job runs, everything lies in OUT/.work:
//
//   OUT/.work/lock        held (flock) by the process that writes OUT
//   OUT/.work/job.json    what is being made: flags, seed, source hash; the same job run again goes on here
//   OUT/.work/store/      finished pieces (work_store.h) and whatever else the stages keep
//   OUT/.work/final/      the final files, being written
//   OUT/.work/publish.json  the final files are whole and being renamed into OUT (rolled forward after a
//   kill)
//
// finish() syncs final/, renames its files into OUT (config.json last), and removes .work. OUT/lqlora.json
// then says what made it: the caller's manifest with "job" and "files" added. So a killed run leaves no
// final-looking file, and no file is ever half-written under a final name.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "files/file_descriptor.h"

namespace lq {

enum class OutputState {
  kFresh,      // nothing there yet (or discarded because of `overwrite`)
  kResumable,  // an unfinished run of the same job: work_dir() holds what it finished
  kFinished,   // the same job was finished: nothing to do
};

struct OutputOptions {
  // Identity of the job: an object whose values are the flags, the seed and the source's hash. Two runs are
  // the same job when these are equal.
  nlohmann::json job = nlohmann::json::object();
  // Files and directories that are read; OUT may not be one of them or hold one of them.
  std::vector<std::filesystem::path> inputs = {};
  // Discard an OUT that this program made with another job. One that it did not make is refused all the same.
  bool overwrite = false;
  // Keep OUT/.work after finish(), so that its stages can be used again.
  bool keep_work = false;
};

// Not thread-safe; holds the lock while it lives.
class OutputDir {
 public:
  // What can be refused before the job is known (and so before the source is hashed): OUT is or holds an
  // input, is no folder, or holds what this program did not make. Changes nothing. Throws as the constructor
  // does.
  static void check(const std::filesystem::path& out, const std::vector<std::filesystem::path>& inputs);

  // Decides by the table of OutputState and creates OUT/.work where there is work to do.
  // Throws Error(kInvalidArgument) when OUT is or holds an input (also through links), exists and is not
  // ours, or holds another job (the differing keys are named); Error(kIo) when it cannot be written or
  // another process holds it.
  OutputDir(std::filesystem::path out, OutputOptions options);
  // Without finish(): the work stays for the next run; when there is none yet, nothing stays.
  ~OutputDir();
  OutputDir(OutputDir&&) = delete;

  OutputState state() const { return state_; }
  const std::filesystem::path& path() const { return out_; }
  std::filesystem::path work_dir() const { return out_ / ".work"; }         // OUT/.work
  std::filesystem::path store_dir() const { return work_dir() / "store"; }  // OUT/.work/store; exists
  std::filesystem::path final_dir() const {
    return work_dir() / "final";
  }  // OUT/.work/final; exists, empty at first

  // Publishes what lies in final_dir() (sub-folders too). `manifest` becomes OUT/lqlora.json with two keys
  // added: "job" as given and "files", the published names. Returns their paths relative to OUT, sorted.
  // Throws Error(kIo).
  std::vector<std::string> finish(nlohmann::ordered_json manifest);

 private:
  std::vector<std::string> publish(nlohmann::ordered_json manifest);
  void take_lock();
  void decide();

  std::filesystem::path out_;
  OutputOptions options_;
  FileDescriptor lock_;
  OutputState state_ = OutputState::kFresh;
  bool created_ = false;   // OUT did not exist before
  bool finished_ = false;  // finish() has returned
};

}  // namespace lq
