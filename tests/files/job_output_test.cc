#include "files/job_output.h"

#include <gtest/gtest.h>

#include "files/json_file.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using io_test::expect_error;

TEST(JobOutput, TheJobOfAFileOfOurs) {
  const io_test::TempDir dir;
  EXPECT_FALSE(job_in(dir / "none.json"));
  write_json(dir / "ours.json", nlohmann::json{{"job", {{"verb", "quantize"}}}});
  EXPECT_EQ(job_in(dir / "ours.json").value()["verb"], "quantize");
  write_json(dir / "theirs.json", nlohmann::json{{"model_type", "llama"}});
  EXPECT_FALSE(job_in(dir / "theirs.json"));
  io_test::put_file(dir / "cut.json", "{\"job\": ");
  EXPECT_FALSE(job_in(dir / "cut.json"));
}

TEST(JobOutput, WhereUnfinishedWorkLies) {
  JobOptions options;
  EXPECT_EQ(work_of("out", options), fs::path("out") / ".work");
  options.output = JobOutput::kFile;
  EXPECT_EQ(work_of("t.json", options), fs::path("t.json.work"));
  options.work = "elsewhere";
  EXPECT_EQ(work_of("t.json", options), fs::path("elsewhere"));
}

TEST(JobOutput, NeitherAnInputNorWhatHoldsOneIsAnOutput) {
  const io_test::TempDir dir;
  fs::create_directories(dir / "a" / "model");
  JobOptions options;
  options.inputs = {dir / "a" / "model"};
  expect_error(ErrorCode::kInvalidArgument, {"is the input itself"},
               [&] { check_job_output(dir / "a" / "model", options); });
  expect_error(ErrorCode::kInvalidArgument, {"holds the input"},
               [&] { check_job_output(dir / "a", options); });
  EXPECT_NO_THROW(check_job_output(dir / "b", options));
}

}  // namespace
}  // namespace lq
