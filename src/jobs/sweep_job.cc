#include "jobs/sweep_job.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/process.h"
#include "files/job.h"
#include "files/json_file.h"
#include "jobs/decompose_device.h"
#include "jobs/options/sweep_options.h"
#include "jobs/stage_files.h"
#include "jobs/sweep_model.h"
#include "models/model_check.h"

namespace lq {
namespace {

constexpr std::uint64_t kTableLimit = std::uint64_t{1} << 32;  // bytes

// Whether a file is an error table, so that another may take its place.
bool is_error_table(const std::filesystem::path& path) {
  try {
    const nlohmann::json json = read_json(path, kTableLimit);
    return json.is_object() && json.contains("configs") && json.contains("errors");
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kIo) throw;
    return false;
  }
}

double full_error(Context& context, const CheckpointReader& reader, const PlanOptions& plan,
                  const MatrixImportance& weights, bool diagonal, const std::string& name,
                  const std::string& choice, std::int64_t rank) {
  const TensorView& view = reader.at(name);
  const std::int64_t rows = view.shape()[0];
  const std::int64_t cols = view.shape()[1];
  const Tensor w = view.copy_f32(context.pool);
  QuantizerOptions quantizer_options = plan.quantizer;
  const Importance importance =
      diagonal ? weights.diagonal_of(context, name, rows, cols) : weights.of(context, name, rows, cols);
  if (importance.right() == nullptr) quantizer_options.feedback = Feedback::kOff;  // as sweep_model
  const auto quantizer = make_quantizer(plan.formats.choice_of(choice, "sweep"), quantizer_options);
  DecomposeOptions options = plan.decompose;
  options.rank = rank;
  options.stream = stream_of(name);
  options.importance = importance.plain() ? nullptr : &importance;
  options.errors_only = true;
  const Decomposition d = decompose(context, w.data<float>(), rows, cols, *quantizer, options);
  const double squared = d.relative_weighted_error * d.relative_weighted_error * d.squared_weighted_norm;
  return sweeps_relative(plan) ? squared / relative_error_unit(context, w) : squared;
}

// Cells at even steps round the table, each once. The step shares no factor with the number of cells, nor so
// with that of configurations: else a sample might see one of these only. REQUIRES: 1 <= cells <= the
// table's.
std::vector<std::size_t> sampled_cells(const ErrorTable& table, std::size_t cells) {
  const std::size_t total = table.errors.size();
  std::size_t step = total / cells;
  while (std::gcd(step, total) != 1) ++step;
  std::vector<std::size_t> sample;
  for (std::size_t k = 0; k < cells; ++k) sample.push_back((step / 2 + k * step) % total);
  return sample;
}

void check_cells(Context& context, const CheckpointReader& reader, const PlanOptions& plan,
                 const MatrixImportance& weights, const ErrorTable& table, std::int64_t cells,
                 SweepJobReport& report) {
  const bool diagonal = sweeps_diagonals(select_matrices(reader, plan.selection), weights);
  const std::vector<std::size_t> sample =
      sampled_cells(table, std::min(static_cast<std::size_t>(cells), table.errors.size()));
  report.checked = std::ssize(sample);
  context.progress.begin("check", report.checked, "cells");
  std::int64_t done = 0;
  for (const std::size_t at : sample) {
    context.stop.check();
    const std::size_t matrix = at / table.configs.size();
    const std::size_t choice = at % table.configs.size();
    const int rank = table.rank_of(choice);
    const double full = full_error(context, reader, plan, weights, diagonal, table.matrices[matrix].name,
                                   table.configs[choice], rank);
    const double deviation = full > 0.0 ? std::abs(table.errors[at] - full) / full : 0.0;
    if (deviation >= report.largest_deviation) {
      report.largest_deviation = deviation;
      report.worst_matrix = table.matrices[matrix].name;
      report.worst_choice = table.configs[choice];
      report.worst_rank = rank;
    }
    context.progress.update(++done, "");
  }
  context.progress.end();
}

DecomposeWork sweep_work(const CheckpointReader& reader, const PlanOptions& plan) {
  const std::vector<const TensorView*> selected = select_matrices(reader, plan.selection);
  DecomposeWork work;
  work.oversampling = plan.decompose.oversampling;
  work.importance = plan.importance;
  work.calibrates = plan.importance != ImportanceKind::kNone && plan.calibration.stats.empty();
  work.quantizes_there = true;
  work.coder = has_device_coder(plan.formats, plan.quantizer);
  const std::int64_t rank =
      plan.ranks.chosen() ? ranks_to_sweep(plan.ranks, selected).back() : plan.decompose.rank;
  for (const TensorView* view : selected) {
    work.matrices.push_back({view->shape()[0], view->shape()[1], rank});
  }
  return work;
}

}  // namespace

SweepJobReport sweep_job(Context& context, const SweepJobOptions& options) {
  return sweep_job(context, Checkpoint::open(options.model), options);
}

SweepJobReport sweep_job(Context& given, const CheckpointPtr& model, const SweepJobOptions& options) {
  const double start = monotonic_seconds();
  JobOptions job_options;
  job_options.output = JobOutput::kFile;
  job_options.inputs = {model->path()};
  job_options.kind = "error table";
  job_options.is_kind = is_error_table;
  Job::check(options.out, job_options);
  model->require_dense("sweep");
  check_model_config(model->config(), model->reader());
  PlanOptions plan = options.plan;
  plan.selection = of_model(plan.selection, *model);
  Context context = choose_decompose_device(given, sweep_work(model->reader(), plan), "sweep");
  job_options.job = job_identity(options, model->hash(context.pool, context.stop), context.seed);
  if (!context.device.is_cpu()) job_options.job["device"] = "cuda";
  job_options.today = [&options](const nlohmann::json& old) { return job_today(options, old); };
  add_identity(job_options, "config_hash", model->config_hash());
  Job job(options.out, job_options);
  StageFiles stages(job.work_dir(), context.progress);
  const MatrixImportance weights = plan_importance(context, plan, model, stages);
  const ErrorTable table = plan_table(context, plan, model, weights, stages);
  SweepJobReport report;
  report.matrices = static_cast<std::int64_t>(table.matrices.size());
  report.ranks = {table.rank};
  if (table.has_ranks()) {
    report.ranks.assign(table.ranks.begin(), table.ranks.end());
    report.ranks.erase(std::unique(report.ranks.begin(), report.ranks.end()), report.ranks.end());
  }
  report.configs = static_cast<std::int64_t>(table.configs.size() / report.ranks.size());
  report.weights = table.weights;
  if (options.check_cells > 0)
    check_cells(context, model->reader(), plan, weights, table, options.check_cells, report);
  write_error_table(options.out, table);
  job.finish();
  report.seconds = monotonic_seconds() - start;
  report.peak_rss_bytes = peak_rss_bytes();
  return report;
}

}  // namespace lq
