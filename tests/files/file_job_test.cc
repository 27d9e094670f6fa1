// Jobs whose output is one file: the work lies beside it.
#include <gtest/gtest.h>

#include "files/job.h"
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

JobOptions file_options(const Json& job, bool overwrite = false) {
  JobOptions options;
  options.output = JobOutput::kFile;
  options.job = job;
  options.overwrite = overwrite;
  options.kind = "table";
  options.is_kind = [](const std::filesystem::path& path) { return get_file(path).starts_with("table"); };
  return options;
}

TEST(FileJob, GoesOnAndLeavesTheFileAlone) {
  const TempDir temp;
  const auto out = temp / "t.json";
  {
    Job job(out, file_options(kJob));
    EXPECT_EQ(job.state(), JobState::kFresh);
    EXPECT_EQ(job.work_dir(), temp / "t.json.work");
    put_file(job.work_dir() / "piece", "done");
  }
  {
    Job job(out, file_options(kJob));
    EXPECT_EQ(job.state(), JobState::kResumable);
    EXPECT_EQ(get_file(job.work_dir() / "piece"), "done");
    put_file(out, "table 1");
    job.finish();
  }
  EXPECT_EQ(names_below(temp.path()), (std::set<std::string>{"t.json"}));
  { Job job(out, file_options(kOther)); }  // a table may be replaced; a run without any work leaves nothing
  EXPECT_EQ(names_below(temp.path()), (std::set<std::string>{"t.json"}));
}

TEST(FileJob, LiesWhereItIsTold) {
  const TempDir temp;
  JobOptions options = file_options(kJob);
  options.work = temp / "elsewhere";
  Job job(temp / "t.json", options);
  EXPECT_EQ(names_below(temp.path()),
            (std::set<std::string>{"elsewhere", "elsewhere/lock", "elsewhere/job.json"}));
}

TEST(FileJob, AnotherJobsWorkIsRefusedOrDiscarded) {
  const TempDir temp;
  const auto out = temp / "t.json";
  {
    Job job(out, file_options(kJob));
    put_file(job.work_dir() / "piece", "done");
  }
  expect_error(ErrorCode::kInvalidArgument,
               {"t.json.work", "unfinished run of another job", "bits was 3, now 4"},
               [&] { Job job(out, file_options(kOther)); });
  EXPECT_EQ(get_file(temp / "t.json.work/piece"), "done");
  Job job(out, file_options(kOther, true));
  EXPECT_EQ(job.state(), JobState::kFresh);
  EXPECT_FALSE(std::filesystem::exists(temp / "t.json.work/piece"));
}

// What sweep left before there was one engine.
TEST(FileJob, AJobWithoutItsFrameIsKnownToo) {
  const TempDir temp;
  const Json job = {{"verb", "sweep"}, {"rank", 8}};
  put_file(temp / "t.json.work/job.json", job.dump());
  EXPECT_EQ(Job(temp / "t.json", file_options(job)).state(), JobState::kResumable);
}

TEST(FileJob, RefusesWhatItDidNotMake) {
  const TempDir temp;
  put_file(temp / "letter", "dear");
  expect_error(ErrorCode::kInvalidArgument, {"letter", "is no table", "left alone"},
               [&] { Job job(temp / "letter", file_options(kJob, true)); });
  EXPECT_EQ(names_below(temp.path()), std::set<std::string>{"letter"});
  expect_error(ErrorCode::kInvalidArgument, {"is a folder, but a file is written"},
               [&] { Job::check(temp.path(), file_options(kJob)); });
  put_file(temp / "t.json.work/thesis.txt", "years");
  expect_error(ErrorCode::kInvalidArgument, {"t.json.work", "not made by this program"},
               [&] { Job job(temp / "t.json", file_options(kJob, true)); });
  EXPECT_EQ(get_file(temp / "t.json.work/thesis.txt"), "years");
  JobOptions options = file_options(kJob);
  options.inputs = {temp / "letter"};
  options.is_kind = {};
  expect_error(ErrorCode::kInvalidArgument, {"letter", "the input itself"},
               [&] { Job job(temp / "letter", options); });
}

TEST(FileJob, TheSecondProcessIsToldWhoHoldsIt) {
  const TempDir temp;
  const auto out = temp / "t.json";
  const Job held(out, file_options(kJob));
  const std::string pid = fmt::format("(pid {})", ::getpid());
  EXPECT_TRUE(io_test::in_child([&] {
    return io_test::throws(ErrorCode::kIo, {out.string(), "another process is writing it", pid},
                           [&] { Job job(out, file_options(kJob)); });
  }));
}

}  // namespace
}  // namespace lq
