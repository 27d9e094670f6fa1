#include "jobs/sweep_job.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "files/job.h"
#include "formats/checkpoint_reader.h"
#include "formats/module_name.h"
#include "formats/safetensors_writer.h"
#include "jobs/select_matrices.h"
#include "jobs/stats_metadata.h"
#include "jobs/tiny_model.h"
#include "reference/numbers.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::TempDir;

SweepJobOptions options_in(const TempDir& dir) {
  SweepJobOptions o;
  o.model = dir / "model";
  o.out = dir / "table.json";
  o.plan.decompose.rank = 4;
  o.plan.budget.configs = {FormatSet().uniform(2), FormatSet().uniform(4)};
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

// Without importance a table's errors are relative, and the sample has to see them so.
TEST(SweepJob, RelativeErrorsAreCheckedAsSuch) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  SweepJobOptions options = options_in(dir);
  options.plan.quantizer.scales = ScaleMode::kSearch;
  options.check_cells = 28;
  EXPECT_LT(run(options).largest_deviation, 0.2);
  EXPECT_EQ(read_error_table(options.out).weights, "none, relative");
}

// 28 cells, 2 configurations: an even step would meet only one of these. The one that is off by far is found.
TEST(SweepJob, ASampleSeesEveryConfiguration) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  SweepJobOptions options = options_in(dir);
  run(options);
  const ErrorTable table = read_error_table(options.out);
  for (const std::size_t wrong : {0U, 1U}) {
    ErrorTable spoiled = table;
    for (std::size_t at = wrong; at < spoiled.errors.size(); at += 2) spoiled.errors[at] *= 100.0;
    write_error_table(dir / "spoiled.json", spoiled);
    options.plan.budget.table = dir / "spoiled.json";
    options.out = dir / ("checked" + std::to_string(wrong) + ".json");
    options.check_cells = 4;
    EXPECT_GT(run(options).largest_deviation, 10.0) << wrong;
  }
}

// x^T x of correlated rows, over its count.
std::vector<float> random_moment(std::int64_t n, std::uint64_t stream) {
  const std::int64_t count = 3 * n;
  auto x = reference::normals(static_cast<std::size_t>(count * n), stream);
  for (std::int64_t t = 0; t < count; ++t) {
    for (std::int64_t i = 1; i < n; ++i) {
      float& value = x[static_cast<std::size_t>(t * n + i)];
      value = 0.9F * x[static_cast<std::size_t>(t * n + i - 1)] + 0.5F * value;
    }
  }
  std::vector<float> moment(static_cast<std::size_t>(n * n));
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0.0;
      for (std::int64_t t = 0; t < count; ++t) {
        sum += double{x[static_cast<std::size_t>(t * n + i)]} * x[static_cast<std::size_t>(t * n + j)];
      }
      moment[static_cast<std::size_t>(i * n + j)] = static_cast<float>(sum / static_cast<double>(count));
    }
  }
  return moment;
}

void write_tiny_stats(const std::filesystem::path& model, const std::filesystem::path& path) {
  ThreadPool pool(1);
  const CheckpointReader reader(model);
  StatsModules modules;
  std::vector<TensorSpec> specs;
  for (const TensorView* view : select_matrices(reader, {})) {
    const std::string module(module_of(view->name()));
    const std::int64_t rows = view->shape()[0];
    const std::int64_t cols = view->shape()[1];
    modules[module] = {.rows = rows, .cols = cols, .input = module};
    specs.push_back({module + std::string(kInputMoment), DType::kF32, {cols, cols}});
    specs.push_back({module + std::string(kOutputGradMoment), DType::kF32, {rows, rows}});
  }
  SafetensorsWriter writer(path, specs, stats_metadata(modules, reader.model_hash(pool, {})));
  for (std::size_t i = 0; i < specs.size(); ++i) {
    writer.write_f32(specs[i].name, random_moment(specs[i].shape[0], 50 + i).data());
  }
  writer.finish();
}

// Of every width one configuration is swept with feedback, and the sample's decompositions have it too.
TEST(SweepJob, CellsAreCheckedAsTheyAreSwept) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  write_tiny_stats(dir / "model", dir / "stats");
  SweepJobOptions options = options_in(dir);
  options.plan.importance = ImportanceKind::kKfac;
  options.plan.calibration.stats = dir / "stats";
  options.plan.quantizer.feedback = Feedback::kOn;
  options.check_cells = 28;
  EXPECT_LT(run(options).largest_deviation, 0.1);
}

std::string error_of(const SweepJobOptions& options) {
  try {
    run(options);
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

JobOptions another_job() {
  JobOptions options;
  options.output = JobOutput::kFile;
  options.job = {{"verb", "another"}};
  return options;
}

TEST(SweepJob, UnfinishedWorkOfAnotherCommandIsNotTaken) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  const SweepJobOptions options = options_in(dir);
  {
    const Job other(options.out, another_job());
    io_test::put_file(other.work_dir() / "piece", "done");
    EXPECT_NE(error_of(options).find("another process is writing it"), std::string::npos);
  }
  const std::string error = error_of(options);
  EXPECT_NE(error.find("table.json.work: holds an unfinished run of another job"), std::string::npos)
      << error;
  EXPECT_FALSE(std::filesystem::exists(options.out));
  EXPECT_EQ(io_test::get_file(dir / "table.json.work/piece"), "done");
}

TEST(SweepJob, AFailureBeforeAnyWorkLeavesNothing) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  SweepJobOptions options = options_in(dir);
  options.plan.selection.include = {"nothing"};
  EXPECT_NE(error_of(options).find("nothing"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(dir / "table.json.work"));
  options.plan.selection.include.clear();
  EXPECT_EQ(run(options).matrices, 14);
}

TEST(SweepJob, ReplacesTablesOnly) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  SweepJobOptions options = options_in(dir);
  io_test::put_file(options.out, "dear diary");
  EXPECT_NE(error_of(options).find("is no error table"), std::string::npos);
  EXPECT_EQ(io_test::get_file(options.out), "dear diary");
  std::filesystem::remove(options.out);
  run(options);
  const std::string first = io_test::get_file(options.out);
  run(options);
  EXPECT_EQ(io_test::get_file(options.out), first);
}

}  // namespace
}  // namespace lq
