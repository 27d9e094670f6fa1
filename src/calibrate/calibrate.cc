#include "calibrate/calibrate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "backends/cuda/device.h"
#include "base/hash.h"
#include "base/option_error.h"
#include "base/process.h"
#include "calibrate/calibration_run.h"
#include "calibrate/calibration_stats.h"
#include "calibrate/calibration_windows.h"
#include "calibrate/self_samples.h"
#include "calibrate/stats_output.h"
#include "files/job.h"
#include "formats/module_name.h"
#include "models/config_hash.h"
#include "models/model_check.h"
#include "models/placement.h"
#include "tokenizers/tokenizer.h"

namespace lq {
namespace {

Gather gather_of(Model& model, const std::filesystem::path& path, const CalibrateOptions& o, bool held_out) {
  Gather g;
  g.fisher = o.fisher || o.full_fisher;
  g.full_fisher = o.full_fisher;
  g.input_moment = o.input_moment;
  g.held_out = held_out;
  g.output_grad_moment = o.output_grad_moment;
  g.weighted_input_moment = o.output_grad_moment && (o.input_moment || o.weighted_input_moment);
  LQ_CHECK(g.gradients() || g.input_moment, kInvalidArgument, "[calibrate] nothing was asked for");
  if (o.modules.empty()) return g;
  std::set<std::string, std::less<>> wanted;
  for (const std::string& name : o.modules) {
    const std::string_view module = module_of(name);
    const auto modules = model.modules();
    const bool known =
        std::ranges::any_of(modules, [&](const Module& m) { return m.in_block() && m.name == module; });
    LQ_CHECK(known, kNotFound, "[calibrate] {}: {} is no linear layer of the model's blocks", path.string(),
             module);
    wanted.emplace(module);
  }
  g.wanted = [wanted](const std::string& module) { return wanted.contains(module); };
  return g;
}

std::int64_t window_length(const ModelSpec& c, const CalibrateOptions& o) {
  if (o.seq_len == 0) return std::min<std::int64_t>(512, c.max_positions);
  check_sequence_length(c, o.seq_len, "[calibrate] seq-len");
  return o.seq_len;
}

// Equal for equal results. Its hash stands in the file: what is in it can't change.
nlohmann::json job_of(const std::string& model_hash, const CalibrationWindows& w, const Gather& g,
                      const StatsModules& modules) {
  nlohmann::json gather = {g.fisher, g.full_fisher, g.input_moment, g.output_grad_moment};
  if (g.weighted_input_moment) gather.push_back(true);
  nlohmann::json job = {{"version", kStatsVersion},
                        {"model", model_hash},
                        {"seq_len", w.seq_len},
                        {"held_out", w.held_out},
                        {"group", kGroupTokens},
                        {"gather", gather},
                        {"modules", stats_modules_to_text(modules)}};
  const auto add = [&job](const char* key, const auto& values) {
    if (values.empty()) return;
    job[key] = hash_hex({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0])});
  };
  add("ids", w.ids);
  add("targets", w.targets);
  add("starts", w.starts);
  add("types", w.types);
  add("labels", w.labels);
  return job;
}

CalibrationWindows windows_of(Context& ctx, const Model& model, const CalibrateOptions& o,
                              const TaskSequences* task) {
  const ModelSpec& c = model.spec();
  if (task != nullptr) {
    for (const EncodedExample& e : task->examples) {
      check_sequence_length(c, std::ssize(e.ids), "[calibrate] an example");
    }
    return task_windows(*task, o.samples, o.hold_out);
  }
  if (o.self > 0) {
    refuse_encoder(c, model.checkpoint()->path().string(), "sample a text to calibrate on (`self`)");
    return self_windows(o.self, window_length(c, o), o.hold_out);
  }
  const auto tokenizer = Tokenizer::load(model.checkpoint()->folder());
  const WindowOptions options{o.data, o.field, o.samples, window_length(c, o), o.hold_out};
  if (!c.encoder()) return calibration_windows(ctx, *tokenizer, options);
  LQ_CHECK(c.has_head, kUnsupported,
           "[calibrate] {}: this encoder has no head for masked tokens, whose loss a text is calibrated by: "
           "name a `task` instead",
           model.checkpoint()->path().string());
  return masked_windows(ctx, *tokenizer, options, c.vocab);
}

void check_text(const CalibrateOptions& o) {
  check_option(o.self >= 0, "self", "is {}, but must be at least 1", o.self);
  check_option(o.self == 0 || o.data.empty(), "self", "excludes `data`: the model samples the text itself");
  check_option(o.self == 0 || o.task.empty(), "self", "excludes `task`, which has a text of its own");
  check_option(o.self > 0 || !o.data.empty(), "data",
               "names no text to calibrate on; `self` has the model sample one");
}

// What its own text depends on, in place of the ids, which are not there yet.
nlohmann::json self_job(const SelfSampling& s, std::uint64_t seed) {
  return {
      {"sequences", s.sequences}, {"seed", seed}, {"first", s.first.value_or(-1)}, {"together", s.together}};
}

void tell_self(Context& ctx, const SelfSampling& s) {
  ctx.progress.note(fmt::format(
      "calibrate: the model samples {} sequences of {} tokens itself first, {} tokens in all, {} "
      "sequences at a time; needs about {} of memory beside the model",
      s.sequences, s.seq_len, s.tokens(), s.together, human_bytes(static_cast<double>(s.memory_bytes))));
}

// Of a device's memory, for one block at a time.
PlacementNeed device_need(Model& model, const Gather& gather, const CalibrationWindows& windows,
                          const std::optional<SelfSampling>& self) {
  const CalibrationPlan least = plan_calibration(model, gather, windows, CalibrationBudget{0, 0}, 1);
  PlacementNeed need{.memory = model.memory_estimate(kGroupTokens, false)};
  need.more =
      least.memory_bytes - need.memory.weights - need.memory.scratch + (self ? self->memory_bytes : 0);
  return need;
}

// REQUIRES: the model has not moved yet.
CalibrationBudget budget_of(const Context& place, const Model& model, const CalibrateOptions& o) {
  const std::int64_t host = o.memory_bytes > 0 ? o.memory_bytes : available_memory_bytes() / 4 * 3;
  if (place.device.is_cpu()) return {host};
  const auto free = static_cast<std::int64_t>(backends::cuda::memory(place.device).free);
  PlacementNeed besides;  // what no plan counts
  besides.more = model.memory_estimate(kGroupTokens, false).scratch / 2;
  return {free - device_bytes(model, besides), host};
}

// As many blocks at once as the run that was interrupted, so that its partial sums can be used.
CalibrationPlan plan_again(Model& model, const Gather& gather, const CalibrationWindows& windows,
                           const CalibrateOptions& o, const CalibrationBudget& budget,
                           const WorkStore& store) {
  std::int64_t at_once = o.blocks_at_once;
  if (at_once == 0) {
    if (const auto item = store.get("plan")) at_once = item->info.at("blocks_at_once").get<std::int64_t>();
  }
  CalibrationPlan plan = plan_calibration(model, gather, windows, budget, at_once);
  if (at_once != o.blocks_at_once && plan.memory_bytes > budget.memory) {
    plan = plan_calibration(model, gather, windows, budget, 0);
  }
  store.put("plan", {}, {{"blocks_at_once", plan.blocks_at_once}});
  return plan;
}

// Statistics and unfinished work of another job are replaced.
JobOptions job_options_of(const CalibrateOptions& o) {
  JobOptions options;
  options.output = JobOutput::kFile;
  options.overwrite = true;
  options.work = o.work;
  options.kind = "statistics file";
  options.is_kind = is_stats_file;
  return options;
}

// What the statistics' file says of itself.
Metadata metadata_of(const CalibrateReport& report, const StatsModules& modules) {
  return {{"format", std::string(kStatsFormat)},
          {"version", std::to_string(kStatsVersion)},
          {"model_hash", report.model_hash},
          {"job", report.job_hash},
          {"sequences", std::to_string(report.need.sequences)},
          {"held_out_sequences", std::to_string(report.need.held_out)},
          {"tokens", std::to_string(report.tokens)},
          {"seq_len", std::to_string(report.need.seq_len)},
          {"mean_loss", fmt::format("{:.17g}", report.mean_loss)},
          {"modules", stats_modules_to_text(modules)},
          {"silent", nlohmann::json(report.silent).dump()}};
}

void tell_need(Context& ctx, const CalibrateOptions& o, const CalibrateNeed& need,
               const CalibrationPlan& plan) {
  const auto size = [](std::int64_t bytes) { return human_bytes(static_cast<double>(bytes)); };
  const std::string blocks =
      need.blocks_at_once == 1 ? "1 block" : fmt::format("{} blocks", need.blocks_at_once);
  ctx.progress.note(
      fmt::format("calibrate: {} windows of {} tokens and {} held out, {} matrices, {} at once; needs about "
                  "{} of memory, "
                  "{} of it the model, and {} of disk meanwhile{}; {} when done",
                  need.sequences, need.seq_len, need.held_out, need.modules, blocks, size(need.memory_bytes),
                  size(plan.weight_bytes), size(need.disk_bytes),
                  need.boundaries_on_disk ? " (activations too)" : "", size(need.output_bytes)));
  const std::int64_t free = o.memory_bytes > 0 ? o.memory_bytes : available_memory_bytes();
  if (ctx.device.is_cpu() && free > 0 && need.memory_bytes > free) {
    ctx.progress.note(fmt::format("calibrate: only {} of memory are {}", size(free),
                                  o.memory_bytes > 0 ? "allowed" : "free"));
  }
}

}  // namespace

CalibrateReport calibrate(Context& ctx, const CalibrateOptions& o) {
  check_text(o);
  Job::check(o.out, job_options_of(o));
  return calibrate(ctx, Checkpoint::open(o.model), o);
}

CalibrateReport calibrate(Context& ctx, const CheckpointPtr& checkpoint, const CalibrateOptions& o,
                          const TaskSequences* task) {
  LQ_CHECK(o.task.empty() == (task == nullptr), kInternal, "[calibrate] task '{}' without its examples",
           o.task);
  const double begin = monotonic_seconds();
  check_text(o);
  JobOptions job_options = job_options_of(o);
  Job::check(o.out, job_options);
  ModelLoadOptions load{.adapter = {}, .no_adapter = true};
  if (task != nullptr) load.labels = task->labels;
  Model model = Model::load(ctx, checkpoint, load);
  const ModelSpec& c = model.spec();
  CalibrationWindows windows = windows_of(ctx, model, o, task);
  std::optional<SelfSampling> self;
  if (o.self > 0) {
    const auto tokenizer = Tokenizer::load(checkpoint->folder());
    self = plan_self_sampling(model, *tokenizer, o.self, windows.seq_len);
  }
  if (!model.fresh().empty()) {
    ctx.progress.note(fmt::format("calibrate: the checkpoint has no {}: drawn by the seed",
                                  fmt::join(model.fresh(), ", ")));
  }
  const Gather gather = gather_of(model, checkpoint->path(), o, windows.held_out > 0);
  StatsModules modules;
  for (std::int64_t layer = 0; layer < c.layers(); ++layer) {
    modules.merge(BlockStatistics::modules(model.block(layer), gather));
  }

  CalibrateReport report;
  report.model_hash = model.base_hash(ctx);
  const PlacementNeed need = device_need(model, gather, windows, self);
  Context place = choose_device(ctx, model, need, "calibrate");
  // What is summed is a sample's: ten bits of mantissa are more than it has.
  if (!place.device.is_cpu()) place.matmul_precision = MatmulPrecision::kTf32;
  job_options.job = job_of(report.model_hash, windows, gather, modules);
  if (!place.device.is_cpu()) job_options.job["device"] = "cuda";
  if (self) job_options.job["self"] = self_job(*self, ctx.seed);
  report.job_hash = hash_hex(job_options.job.dump());
  const std::string config_hash = computing_config_hash(checkpoint->config());
  add_identity(job_options, "config_hash", config_hash);
  report.need.sequences = windows.summed();
  report.need.held_out = windows.held_out;
  report.need.seq_len = windows.seq_len;
  report.need.modules = std::ssize(modules);
  report.tokens = windows.predicted();
  if (const auto stats = finished_stats(o.out, report.job_hash, config_hash)) {
    report.mean_loss = stats->mean_loss();
    report.silent = stats->silent_modules();
    report.already_done = true;
  } else {
    Job job(o.out, job_options);
    const WorkStore store(job.work_dir() / report.job_hash);
    const CalibrationPlan plan = plan_again(model, gather, windows, o, budget_of(place, model, o), store);
    report.need.blocks_at_once = plan.blocks_at_once;
    report.need.boundaries_on_disk = plan.boundaries_on_disk;
    report.need.memory_bytes =
        std::max(plan.memory_bytes, self ? plan.weight_bytes + self->memory_bytes : std::int64_t{0});
    report.need.disk_bytes = plan.disk_bytes;
    report.need.output_bytes = plan.output_bytes;
    tell_need(place, o, report.need, plan);
    move_model(place, model, need);
    if (self) {
      tell_self(ctx, *self);
      windows.fill(self_samples(place, model, *self, store));
    }
    CalibrationRun run(place, model, windows, gather, plan, store, o.save_every_seconds);
    report.resumed_blocks = run.run();
    report.mean_loss = run.loss_sum() / static_cast<double>(report.tokens);
    const std::optional<StatsPieces> pieces = open_stats_pieces(store, c.layers());
    LQ_CHECK(pieces.has_value(), kCorruptFile,
             "[calibrate] {}: a finished part was damaged; run the same command again",
             job.work_dir().string());
    report.silent = pieces->silent;
    Metadata metadata = metadata_of(report, modules);
    metadata["config_hash"] = config_hash;
    if (self) metadata["self_seed"] = std::to_string(ctx.seed);
    write_stats(o.out, metadata, *pieces);
    job.finish();
  }
  for (const std::string& module : report.silent) {
    ctx.progress.note(fmt::format("calibrate: {} never fires on this text: its statistics are zero", module));
  }
  report.seconds = monotonic_seconds() - begin;
  report.peak_rss_bytes = peak_rss_bytes();
  return report;
}

}  // namespace lq
