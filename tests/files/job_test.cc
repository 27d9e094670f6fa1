#include "files/job.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "files/two_jobs.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::get_file;
using io_test::names_below;
using io_test::put_file;
using io_test::TempDir;
using job_test::kJob;
using job_test::kOther;
using Json = nlohmann::json;

// A whole job: a model file and its config.
void run(const std::filesystem::path& out, const Json& job, const std::string& content,
         bool overwrite = false) {
  Job dir(out, {.job = job, .inputs = {}, .overwrite = overwrite});
  put_file(dir.final_dir() / "model.safetensors", content);
  put_file(dir.final_dir() / "config.json", "{}");
  put_file(dir.final_dir() / (content + ".txt"), content);
  dir.finish({{"version", 1}});
}

TEST(Job, PublishesAndLeavesNoTraceOfTheWork) {
  const TempDir temp;
  const auto out = temp / "runs/out";
  {
    Job dir(out / "", {.job = kJob});
    EXPECT_EQ(dir.path(), out);
    EXPECT_EQ(dir.state(), JobState::kFresh);
    EXPECT_TRUE(std::filesystem::is_empty(dir.final_dir()));
    put_file(dir.final_dir() / "model.safetensors", "weights");
    put_file(dir.final_dir() / "adapter/adapter_config.json", "{}");
    put_file(dir.final_dir() / "config.json", "{}");
    EXPECT_EQ(names_below(out).count("config.json"), 0U);
    nlohmann::ordered_json manifest;
    manifest["version"] = "1.0";
    const auto files = dir.finish(manifest);
    EXPECT_EQ(files, (std::vector<std::string>{"adapter/adapter_config.json", "config.json", "lqlora.json",
                                               "model.safetensors"}));
    expect_error(ErrorCode::kInvalidArgument, {"finished already"}, [&] { dir.finish({}); });
  }
  EXPECT_EQ(names_below(out), (std::set<std::string>{"adapter", "adapter/adapter_config.json", "config.json",
                                                     "lqlora.json", "model.safetensors"}));
  const Json manifest = Json::parse(get_file(out / "lqlora.json"));
  EXPECT_EQ(manifest["version"], "1.0");
  EXPECT_EQ(manifest["job"], kJob);
  EXPECT_EQ(manifest["files"], (Json{"adapter/adapter_config.json", "model.safetensors", "config.json"}));
}

// An older version wrote the number of an enum where its name stands today.
TEST(Job, KnowsTheJobsOfOlderVersions) {
  const TempDir temp;
  const auto out = temp / "out";
  const Json old = {{"scales", 1}}, now = {{"scales", "search"}};
  const auto today = [&](const Json& job) { return job == old ? now : job; };
  {
    Job dir(out, {.job = old});
    put_file(dir.store_dir() / "piece", "done");
  }
  {
    Job dir(out, {.job = now, .today = today});
    EXPECT_EQ(dir.state(), JobState::kResumable);
  }
  run(out, old, "one");
  EXPECT_EQ(Job(out, {.job = now, .today = today}).state(), JobState::kFinished);
  expect_error(ErrorCode::kInvalidArgument, {"scales was 1, now \"search\""},
               [&] { Job(out, {.job = now}); });
}

TEST(Job, TheSameJobAgainIsFinishedOrGoesOn) {
  const TempDir temp;
  const auto out = temp / "out";
  {
    Job dir(out, {.job = kJob});
    put_file(dir.store_dir() / "piece", "done");
    put_file(dir.final_dir() / "model.safetensors", "half");
  }
  EXPECT_EQ(names_below(out).count("model.safetensors"), 0U);
  {
    Job dir(out, {.job = kJob});
    EXPECT_EQ(dir.state(), JobState::kResumable);
    EXPECT_EQ(get_file(dir.store_dir() / "piece"), "done");
    EXPECT_TRUE(std::filesystem::is_empty(dir.final_dir()));
    put_file(dir.final_dir() / "config.json", "{}");
    dir.finish({});
  }
  {
    Job dir(out, {.job = kJob});
    EXPECT_EQ(dir.state(), JobState::kFinished);
    expect_error(ErrorCode::kInvalidArgument, {"finished already"}, [&] { dir.finish({}); });
  }
  EXPECT_EQ(names_below(out), (std::set<std::string>{"config.json", "lqlora.json"}));
  // A published file that is gone is made again.
  std::filesystem::remove(out / "config.json");
  EXPECT_EQ(Job(out, {.job = kJob}).state(), JobState::kFresh);
}

TEST(Job, AFailureBeforeAnyWorkLeavesNothing) {
  const TempDir temp;
  { Job dir(temp / "out", {.job = kJob}); }
  EXPECT_TRUE(std::filesystem::is_empty(temp.path()));
  std::filesystem::create_directories(temp / "mine");
  { Job dir(temp / "mine", {.job = kJob}); }
  EXPECT_EQ(names_below(temp.path()), std::set<std::string>{"mine"});
}

TEST(Job, AnotherJobIsRefusedAndItsDifferencesNamed) {
  const TempDir temp;
  const auto out = temp / "out";
  run(out, kJob, "first");
  expect_error(ErrorCode::kInvalidArgument,
               {out.string(), "another job", "bits was 3, now 4", "rank was not given, now 8",
                "seed was 0, now not given"},
               [&] { Job dir(out, {.job = kOther}); });
  EXPECT_EQ(get_file(out / "model.safetensors"), "first");
  EXPECT_FALSE(std::filesystem::exists(out / "first.txt.partial"));
  run(out, kOther, "second", true);
  EXPECT_EQ(names_below(out),
            (std::set<std::string>{"config.json", "lqlora.json", "model.safetensors", "second.txt"}));
  EXPECT_EQ(get_file(out / "model.safetensors"), "second");
}

TEST(Job, AnUnfinishedRunOfAnotherJobIsRefused) {
  const TempDir temp;
  const auto out = temp / "out";
  {
    Job dir(out, {.job = kJob});
    put_file(dir.store_dir() / "piece", "done");
  }
  expect_error(ErrorCode::kInvalidArgument, {"unfinished run of another job", "bits was 3, now 4"},
               [&] { Job dir(out, {.job = kOther}); });
  EXPECT_TRUE(std::filesystem::exists(out / ".work/store/piece"));
  Job dir(out, {.job = kOther, .inputs = {}, .overwrite = true});
  EXPECT_EQ(dir.state(), JobState::kFresh);
  EXPECT_FALSE(std::filesystem::exists(out / ".work/store/piece"));
}

// Results of stages belong to the job that made them; a corrected command need not be told to overwrite them.
TEST(Job, StagesOfAnotherJobGiveWay) {
  const TempDir temp;
  const auto out = temp / "out";
  {
    Job job(out, {.job = kJob});
    put_file(job.work_dir() / "stages/stats.safetensors", "of the first");
  }
  {
    Job job(out, {.job = kJob});
    EXPECT_EQ(job.state(), JobState::kResumable);  // a finished stage is work worth keeping
    EXPECT_EQ(get_file(job.work_dir() / "stages/stats.safetensors"), "of the first");
  }
  {
    Job job(out, {.job = kOther});
    EXPECT_EQ(job.state(), JobState::kFresh);
    EXPECT_EQ(names_below(job.work_dir()), (std::set<std::string>{"lock", "job.json", "store", "final"}));
    put_file(job.work_dir() / "stages/table.work/piece", "of a stage that was stopped");
  }
  expect_error(ErrorCode::kInvalidArgument, {"unfinished run of another job"},
               [&] { Job job(out, {.job = kJob}); });
  Job job(out, {.job = kJob, .overwrite = true});
  EXPECT_EQ(names_below(job.work_dir()), (std::set<std::string>{"lock", "job.json", "store", "final"}));
}

TEST(GridJob, ClaimsAndLocksAndShowsWhatIsThere) {
  const TempDir temp;
  const JobOptions options = {.output = JobOutput::kGrid};
  {
    Job job(temp / "grid", options);
    EXPECT_EQ(job.state(), JobState::kFresh);
    put_file(temp / "grid/cell.json", "1");
    expect_error(ErrorCode::kIo, {"grid", "another process is writing it (pid"},
                 [&] { Job second(temp / "grid", options); });
  }
  EXPECT_EQ(Job(temp / "grid", options).state(), JobState::kResumable);
  EXPECT_EQ(get_file(temp / "grid/cell.json"), "1");
  put_file(temp / "theirs/thesis.txt", "years of work");
  expect_error(ErrorCode::kInvalidArgument, {"theirs", "not made by this program"},
               [&] { Job job(temp / "theirs", options); });
}

TEST(Job, RefusesFoldersThatAreNotOurs) {
  const TempDir temp;
  put_file(temp / "theirs/thesis.txt", "years of work");
  for (const bool overwrite : {false, true}) {
    expect_error(ErrorCode::kInvalidArgument, {"theirs", "not made by this program"},
                 [&] { Job dir(temp / "theirs", {.job = kJob, .inputs = {}, .overwrite = overwrite}); });
  }
  EXPECT_EQ(names_below(temp.path()), (std::set<std::string>{"theirs", "theirs/thesis.txt"}));
  expect_error(ErrorCode::kInvalidArgument, {"not a folder"},
               [&] { Job dir(temp / "theirs/thesis.txt", {.job = kJob}); });
  expect_error(ErrorCode::kInvalidArgument, {"expected"}, [&] { Job dir("", {.job = kJob}); });
  // A stray .work with foreign files beside it is not ours either.
  std::filesystem::create_directories(temp / "theirs/.work");
  expect_error(ErrorCode::kInvalidArgument, {"not made by this program"},
               [&] { Job dir(temp / "theirs", {.job = kJob, .inputs = {}, .overwrite = true}); });
  EXPECT_TRUE(std::filesystem::exists(temp / "theirs/thesis.txt"));
}

TEST(Job, RefusesTheInputHoweverItIsNamed) {
  const TempDir temp;
  const auto model = temp / "model";
  put_file(model / "model.safetensors", "x");
  std::filesystem::create_directory_symlink(model, temp / "link");
  const auto refused = [&](const std::filesystem::path& out, const std::filesystem::path& input) {
    expect_error(ErrorCode::kInvalidArgument, {out.filename().string(), "input"},
                 [&] { Job dir(out, {.job = kJob, .inputs = {input}, .overwrite = true}); });
  };
  refused(model, model);
  refused(temp / "link", model);
  refused(model, temp / "link");
  refused(temp.path() / "x" / ".." / "model", model);
  refused(temp.path(), model);
  refused(model, model / "model.safetensors");
  EXPECT_EQ(names_below(model), std::set<std::string>{"model.safetensors"});
  EXPECT_NO_THROW(Job::check(model / "q3", {.inputs = {model}}));
  EXPECT_EQ(names_below(model), std::set<std::string>{"model.safetensors"});
  EXPECT_NO_THROW(Job(model / "q3", {.job = kJob, .inputs = {model}}));  // below the input is fine
}

TEST(Job, TwoRunsOnOneFolderAreRefused) {
  const TempDir temp;
  const auto out = temp / "out";
  {
    Job first(out, {.job = kJob});
    put_file(first.store_dir() / "piece", "x");
    expect_error(ErrorCode::kIo, {out.string(), "another process"}, [&] { Job second(out, {.job = kJob}); });
    EXPECT_TRUE(io_test::in_child([&] {
      return io_test::throws(ErrorCode::kIo, {"another process"}, [&] { Job third(out, {.job = kJob}); });
    }));
  }
  EXPECT_EQ(Job(out, {.job = kJob}).state(), JobState::kResumable);
}

TEST(Job, SaysWhyItCannotWrite) {
  const TempDir temp;
  put_file(temp / "file", "");
  expect_error(ErrorCode::kIo, {"file/out", "Not a directory"},
               [&] { Job dir(temp / "file/out", {.job = kJob}); });
  std::filesystem::create_directories(temp / "locked");
  ::chmod((temp / "locked").c_str(), 0555);
  ::chmod(temp.path().c_str(), 0755);
  EXPECT_TRUE(io_test::in_child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return false;
    return io_test::throws(ErrorCode::kIo, {"locked/out", "Permission denied"},
                           [&] { Job dir(temp / "locked/out", {.job = kJob}); });
  }));
  // A folder that may not even be looked into.
  ::chmod((temp / "locked").c_str(), 0000);
  EXPECT_TRUE(io_test::in_child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return false;
    return io_test::throws(ErrorCode::kIo, {"locked", "Permission denied"},
                           [&] { Job dir(temp / "locked/out", {.job = kJob}); }) &&
           io_test::throws(ErrorCode::kIo, {"locked", "Permission denied"},
                           [&] { Job dir(temp / "locked", {.job = kJob}); });
  }));
  ::chmod((temp / "locked").c_str(), 0755);
}

TEST(Job, DamagedRecordsAreNotTrusted) {
  const TempDir temp;
  const auto out = temp / "out";
  {
    Job dir(out, {.job = kJob});
    put_file(dir.store_dir() / "piece", "x");
  }
  put_file(out / ".work/job.json", "{\"job\"");
  expect_error(ErrorCode::kInvalidArgument, {"another job"}, [&] { Job dir(out, {.job = kJob}); });
  EXPECT_NO_THROW(run(out, kJob, "x", true));
  put_file(out / "lqlora.json", R"({"job": 1, "files": ["../escape", 7]})");
  put_file(temp / "escape", "safe");
  run(out, kJob, "y", true);
  EXPECT_EQ(get_file(temp / "escape"), "safe");
}

TEST(Job, WhatOlderVersionsDidNotWriteCountsAsTheSame) {
  JobOptions options;
  options.job = {{"seed", 1}};
  options.today = [](nlohmann::json old) {
    old["seed"] = 2;
    return old;
  };
  add_identity(options, "config", "abc");
  EXPECT_EQ(options.job, nlohmann::json({{"seed", 1}, {"config", "abc"}}));
  EXPECT_EQ(options.today({{"seed", 1}}), nlohmann::json({{"seed", 2}, {"config", "abc"}}));
  EXPECT_EQ(options.today({{"config", "other"}}), nlohmann::json({{"seed", 2}, {"config", "other"}}));
}

}  // namespace
}  // namespace lq
