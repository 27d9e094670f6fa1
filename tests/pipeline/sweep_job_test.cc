#include "pipeline/sweep_job.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/io_test_util.h"
#include "pipeline/tiny_model.h"

namespace lq {
namespace {

using io_test::TempDir;

SweepJobOptions options_in(const TempDir& dir) {
  SweepJobOptions o;
  o.model = dir / "model";
  o.out = dir / "table.json";
  o.plan.decompose.rank = 4;
  o.plan.budget.configs = {uniform_nf_config(2), uniform_nf_config(4)};
  return o;
}

SweepJobReport run(const SweepJobOptions& options) {
  ThreadPool pool(2);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  return sweep_job(context, options);
}

TEST(SweepJob, WritesATableAndLeavesNothingElse) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  SweepJobOptions options = options_in(dir);
  options.check_cells = 5;
  const SweepJobReport report = run(options);
  EXPECT_EQ(report.matrices, 14);
  EXPECT_EQ(report.configs, 2);
  EXPECT_EQ(report.checked, 5);
  EXPECT_LT(report.largest_deviation, 0.2);
  const ErrorTable table = read_error_table(options.out);
  EXPECT_EQ(table.rank, 4);
  EXPECT_EQ(table.method, "lq");
  EXPECT_FALSE(std::filesystem::exists(dir / "table.json.work"));
}

TEST(SweepJob, UnfinishedWorkOfAnotherCommandIsNotTaken) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  SweepJobOptions options = options_in(dir);
  options.plan.selection.include = {"nothing"};  // fails after the job was claimed
  EXPECT_THROW(run(options), Error);
  EXPECT_FALSE(std::filesystem::exists(options.out));
  options.plan.selection.include.clear();
  try {
    run(options);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(e.what()).find("table.json.work"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace lq
