// One engine under every verb that works for long: it claims the output, locks it, tells whether the job that
// is asked for is the one that was begun or finished there, keeps what is finished for a run after a kill,
// and makes the result visible whole. Outputs are of three kinds.
//
// A folder (quantize, finetune, export). While the job runs, everything lies in OUT/.work:
//
//   OUT/.work/lock        held (output_lock.h) by the process that writes OUT
//   OUT/.work/job.json    what is being made: flags, seed, source hash; the same job run again goes on here
//   OUT/.work/stages/     results of its stages, and in folders of theirs what a stopped stage has finished
//   OUT/.work/store/      finished pieces (work_store.h) and whatever else the stages keep
//   OUT/.work/final/      the final files, being written
//   OUT/.work/publish.json  the final files are whole and being renamed into OUT (rolled forward after a
//   kill)
//
// finish() syncs final/, renames its files into OUT (config.json last), and removes .work. OUT/lqlora.json
// then says what made it: the caller's manifest with "job" and "files" added. So a killed run leaves no
// final-looking file, and no file is ever half-written under a final name.
//
// A file (calibrate, sweep). Lock, job.json, pieces and stages lie in OUT.work; the caller writes OUT
// atomically at the end, then finish() removes OUT.work.
//
// A grid (compare). Results of its own appear in OUT one by one, each whole, each with what it was made of:
// OUT is claimed and locked (OUT/.compare.lock), no more.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "files/output_lock.h"

namespace lq {

enum class JobOutput { kFolder, kFile, kGrid };

enum class JobState {
  kFresh,      // nothing there yet (or discarded because of `overwrite`)
  kResumable,  // an unfinished run of the same job: work_dir() holds what it finished
  kFinished,   // the same job was finished: nothing to do. Of a folder only: other outputs do not say
};

struct JobOptions {
  JobOutput output = JobOutput::kFolder;
  // Identity of the job: an object whose values are the flags, the seed and the source's hash. Two runs are
  // the same job when these are equal.
  nlohmann::json job = nlohmann::json::object();
  // What an older version of this program has written as `job`, as it would be written today
  // (files/options/job_identity.h). Empty: as it is. Called while the Job is made, and not after.
  std::function<nlohmann::json(const nlohmann::json&)> today = {};
  // Files and directories that are read; OUT may not be one of them or hold one of them.
  std::vector<std::filesystem::path> inputs = {};
  // Discard what this program made in OUT for another job. What it did not make is refused all the same.
  bool overwrite = false;
  // Of a file: where its work lies instead of in OUT.work.
  std::filesystem::path work = {};
  // Of a file: what it is ("statistics file"), and whether one that is there already is of that kind, so that
  // it may be replaced.
  std::string kind = {};
  std::function<bool(const std::filesystem::path&)> is_kind = {};
};

// Adds to the job what older versions of this program did not write: a job of theirs counts as having the
// same.
void add_identity(JobOptions& options, const std::string& key, const nlohmann::json& value);

// Not thread-safe; holds the lock while it lives.
class Job {
 public:
  // What can be refused before the job is known (and so before the source is hashed): OUT is or holds an
  // input, is no folder (or is one, for a file), or holds what this program did not make. Changes nothing.
  // Throws as the constructor does.
  static void check(const std::filesystem::path& out, const JobOptions& options);

  // Decides by the table of JobState and creates the work folder where there is work to do.
  // Throws Error(kInvalidArgument) when OUT is or holds an input (also through links), exists and is not
  // ours, or holds another job (the differing keys are named; whole stages alone, left by a command that
  // failed after them, give way); Error(kIo) when it cannot be written or another process holds it.
  Job(std::filesystem::path out, JobOptions options);
  // Without finish(): the work stays for the next run; when there is none yet, nothing stays.
  ~Job();
  Job(Job&&) = delete;

  JobState state() const { return state_; }
  const std::filesystem::path& path() const { return out_; }
  std::filesystem::path work_dir() const;                                   // OUT/.work, or OUT.work
  std::filesystem::path store_dir() const { return work_dir() / "store"; }  // of a folder; exists
  std::filesystem::path final_dir() const { return work_dir() / "final"; }  // of a folder; empty at first

  // Of a folder: publishes what lies in final_dir() (sub-folders too). `manifest` becomes OUT/lqlora.json
  // with two keys added: "job" as given and "files", the published names. Returns their paths relative to
  // OUT, sorted. Throws Error(kIo).
  std::vector<std::string> finish(nlohmann::ordered_json manifest);
  // Of a file, once OUT is written: removes the work.
  void finish();

 private:
  std::vector<std::string> publish(nlohmann::ordered_json manifest);
  void decide_folder();
  void decide_file();
  void begin_work();
  void clear_work() const;
  bool has_work() const;
  bool has_unfinished_work() const;

  std::filesystem::path out_;
  JobOptions options_;
  OutputLock lock_;
  JobState state_ = JobState::kFresh;
  bool created_ = false;   // OUT did not exist before
  bool finished_ = false;  // finish() has returned
};

}  // namespace lq
