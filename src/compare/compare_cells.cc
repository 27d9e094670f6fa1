#include "compare/compare_cells.h"

#include <algorithm>

#include "base/error.h"
#include "base/process.h"
#include "data/document_reader.h"
#include "eval/perplexity.h"
#include "eval/run_tasks.h"
#include "formats/module_name.h"
#include "formats/peft_adapter.h"
#include "jobs/calibrate_task.h"
#include "jobs/finetune_task.h"
#include "jobs/sweep_job.h"
#include "train/train_guard.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

template <typename Cell, typename Scores>
void set_scores(Cell& cell, Scores scores) {
  cell.texts = std::move(scores.texts);
  cell.tasks = std::move(scores.tasks);
}

// A model's own weights; what was found out about it stays.
void drop_weights(const fs::path& folder) {
  for (const fs::path& place : {folder, folder / "best"}) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(place, ignored)) {
      if (entry.path().extension() == ".safetensors") fs::remove(entry.path(), ignored);
    }
  }
}

}  // namespace

CompareCells::CompareCells(Context& context, const CompareRecipe& recipe, CompareFolder& folder)
    : context_(context), recipe_(recipe), folder_(folder), model_(Checkpoint::open(recipe.model)) {
  LQ_CHECK(!model_->is_packed(), kInvalidArgument,
           "{}: model {} is packed already; compare needs the dense model it was made from",
           recipe.file.string(), recipe.model.string());
  const CheckpointReader& reader = model_->reader();
  std::uint64_t bytes = 0;
  for (const TensorView* view : select_matrices(reader, of_model(recipe.selection, *model_))) {
    modules_.emplace_back(module_of(view->name()));
    weights_ += view->numel();
    bytes += view->bytes;
  }
  dense_bits_ = 8.0 * static_cast<double>(bytes) / static_cast<double>(weights_);
  for (const fs::path& path : recipe.texts) {
    DocumentOptions options;
    options.field = recipe.text.field;
    DataReport report;
    options.records.report = &report;
    texts_.push_back(joined_documents(path, options));
    for (const std::string& line : report.lines()) context.progress.note("data: " + line);
  }
  for (const std::string& name : recipe.tasks) tasks_.push_back(&find_task(name));
  jobs_.emplace(recipe, model_hash(), model_->config_hash(), texts_, context.seed);
}

std::string CompareCells::name_of(CompareMethod method, double bits) {
  const std::string name(compare_method_name(method));
  return has_packed_base(method) ? fmt::format("{}-{}", name, bits) : name;
}

std::string CompareCells::base_cell(CompareMethod method, double bits) const {
  const CompareMethod base = base_method(method);
  const std::string folder = own_statistics(base) ? fmt::format("cells/{}/", recipe_.task) : "cells/";
  return folder + name_of(base, bits);
}

fs::path CompareCells::stage(const std::string& name, const std::string& file, const Json& job,
                             const std::function<void(const fs::path&)>& make) {
  const std::string inner = "shared/" + file;
  const fs::path path = folder_.path(inner);
  auto known = stages_.find(name);
  if (known == stages_.end()) {
    const Json result = folder_.result("shared/" + name, job, inner, [&] {
      const double begin = monotonic_seconds();
      make(path);
      return Json{{"seconds", monotonic_seconds() - begin}};
    });
    known = stages_.emplace(name, result.value("seconds", 0.0)).first;
  }
  used_.emplace_back(*known);
  return path;
}

fs::path CompareCells::statistics() {
  const CalibrationSource& source = recipe_.calibration;
  if (!source.stats.empty()) return source.stats;
  const std::string name = recipe_.task_loss ? "statistics-" + recipe_.task : "statistics";
  return stage(name, name + ".safetensors", jobs_->statistics(), [&](const fs::path& out) {
    CalibrateOptions o;
    if (recipe_.task_loss) {
      o.data = {recipe_.finetune.data.train.front().path};
    } else if (source.self == 0) {
      o.data = {source.data};
    }
    o.self = source.self;
    if (recipe_.task_loss) o.task = recipe_.task;
    o.field = source.field;
    o.samples = source.samples;
    o.seq_len = source.seq_len;
    o.modules = modules_;
    o.out = out;
    calibrate_any(context_, model_, o);
  });
}

fs::path CompareCells::table(const PlanOptions& plan) {
  const bool search = plan.quantizer.scales == ScaleMode::kSearch;
  const bool own = recipe_.task_loss && plan.importance != ImportanceKind::kNone;
  const std::string name =
      fmt::format("table-rank{}-{}-{}{}{}", plan.decompose.rank, importance_name(plan.importance),
                  plan.formats.text(), search ? "-search" : "", own ? "-" + recipe_.task : "");
  return stage(name, name + ".json.gz", jobs_->table(plan.importance), [&](const fs::path& out) {
    SweepJobOptions o;
    o.out = out;
    o.plan = plan;
    sweep_job(context_, model_, o);
  });
}

QuantizeOptions CompareCells::quantize_options(CompareMethod method, double bits) {
  const MethodPlan plan = compare_method_plan(method, recipe_.rank);
  QuantizeOptions o;
  o.model = recipe_.model;
  o.out = folder_.path(base_cell(method, bits) + "/base");
  o.selection = recipe_.selection;
  o.importance = plan.settings.importance;
  o.formats = plan.settings.formats;
  o.quantizer = plan.settings.quantizer;
  o.decompose.method = plan.decompose;
  o.decompose.rank = plan.rank;
  if (o.importance != ImportanceKind::kNone) o.calibration.stats = statistics();
  if (!plan.mixed) {
    o.choice = o.formats.uniform(static_cast<int>(bits));
    return o;
  }
  o.budget.configs = recipe_.choices_of(o.formats);
  o.budget.table = table({.selection = o.selection,
                          .formats = o.formats,
                          .quantizer = o.quantizer,
                          .decompose = o.decompose,
                          .importance = o.importance,
                          .calibration = o.calibration,
                          .budget = o.budget});
  o.budget.bits = bits;
  return o;
}

std::string CompareCells::run_name(CompareMethod method, double bits, std::uint64_t seed, double rate) const {
  const std::string task = recipe_.task.empty() ? "" : recipe_.task + "/";
  const std::string cell = "cells/" + task + name_of(method, bits);
  return recipe_.rates_of(method).size() == 1 ? fmt::format("{}/seed-{}", cell, seed)
                                              : fmt::format("{}/lr-{}/seed-{}", cell, rate, seed);
}

FinetuneOptions CompareCells::finetune_options(CompareMethod method, double bits, std::uint64_t seed,
                                               double rate) const {
  FinetuneOptions o = recipe_.finetune;
  o.model = has_packed_base(method) ? folder_.path(base_cell(method, bits) + "/base") : recipe_.model;
  o.task = recipe_.task;
  o.out = folder_.path(run_name(method, bits, seed, rate));
  o.lora.start = lora_start(method);
  o.lora.rank = recipe_.rank;
  o.train.lr = rate;
  if (method == CompareMethod::kFull) {
    // Options of adapters are for the other methods.
    o.full = true;
    o.lora = {};
    o.train.dropout = 0.0;
    o.train.lora_plus = 1.0;
    o.compress = false;
    return o;
  }
  // The same modules learn whatever the base brings.
  if (o.lora.targets.empty()) o.lora.targets = modules_;
  return o;
}

CompareCells::Scores CompareCells::scores(const CheckpointPtr& checkpoint, const fs::path& adapter,
                                          bool compared) {
  if (texts_.empty() && tasks_.empty()) return {};
  const auto tokenizer = Tokenizer::load(checkpoint->folder());
  ModelLoadOptions load;
  load.adapter = adapter;
  const Model model = Model::load(context_, checkpoint, load);
  std::optional<Model> dense;
  PerplexityOptions options;
  options.seq_len = recipe_.text.seq_len;
  if (compared) options.reference = &dense.emplace(Model::load(context_, model_));
  Scores all;
  for (const std::string& text : texts_) {
    const PerplexityResult r = perplexity(context_, model, *tokenizer, text, options);
    all.texts.push_back({r.perplexity, r.nll_per_token, r.tokens, r.kl});
  }
  for (const Task* task : tasks_) {
    TaskOptions o;
    o.data = recipe_.tasks_data;
    o.limit = recipe_.limit;
    if (recipe_.shots) o.shots = static_cast<int>(*recipe_.shots);
    o.reference = options.reference;
    const auto found = run_task(context_, model, *tokenizer, *task, o);
    TaskScore score;
    score.metric = quoted_metric(*task);
    LQ_CHECK(found.contains(score.metric), kInternal, "[compare] task {} has no score {}", task->name,
             score.metric);
    score.value = found[score.metric].get<double>();
    const char* const flips = score.metric == "acc_norm" ? "flips_norm" : "flips";
    if (found.contains(flips)) score.flips = found[flips].get<double>();
    all.tasks.push_back(std::move(score));
  }
  return all;
}

CompareBase CompareCells::dense() {
  const std::string name = "cells/dense";
  const Json result = folder_.result(name, jobs_->dense(), "", [&] {
    reset_peak_rss();
    CompareBase base;
    base.bits = dense_bits_;
    set_scores(base, scores(model_, {}, false));
    base.peak_rss_bytes = peak_rss_bytes();
    return to_json(base);
  });
  const CompareBase base = compare_base_from_json(result, folder_.path(name + ".json").string());
  bits_[name_of(CompareMethod::kLora, 0)] = base.bits;
  return base;
}

CompareBase CompareCells::base(CompareMethod method, double bits) {
  const std::string cell = name_of(base_method(method), bits), name = base_cell(method, bits) + "/base";
  const Json result = folder_.result(name, jobs_->base(method, bits), name + "/lqlora.json", [&] {
    used_.clear();
    QuantizeOptions options = quantize_options(method, bits);
    options.overwrite = folder_.overwrites();
    reset_peak_rss();
    const QuantizeReport report = quantize_model(context_, model_, options);
    CompareBase base;
    base.bits = report.bits_per_weight();
    base.relative_error = report.relative_error();
    if (!report.already_done) base.seconds = report.seconds;
    base.peak_rss_bytes = report.already_done ? peak_rss_bytes() : report.peak_rss_bytes;
    set_scores(base, scores(Checkpoint::open(options.out), {}, true));
    base.shared = used_;
    return to_json(base);
  });
  const CompareBase base = compare_base_from_json(result, folder_.path(name + ".json").string());
  bits_[cell] = base.bits;
  return base;
}

double CompareCells::low_rank_bits(const fs::path& adapter, bool compressed) const {
  const PeftAdapterReader reader(adapter);
  std::uint64_t bytes = 0;
  for (const LoraPair& pair : reader.pairs()) bytes += pair.a.bytes + pair.b.bytes;
  // The file holds f32 in either case.
  const double bits = compressed ? adapter_quantizer()->bits_per_weight() : 32.0;
  return bits / 4.0 * static_cast<double>(bytes) / static_cast<double>(weights_);
}

bool CompareCells::finished(CompareMethod method, double bits, std::uint64_t seed, double rate) const {
  const std::string name = run_name(method, bits, seed, rate);
  return !folder_.finished(name, jobs_->run(method, bits, seed, rate), name + "/lqlora.json").is_null();
}

CompareRun CompareCells::run(CompareMethod method, double bits, std::uint64_t seed, double rate) {
  const std::string name = run_name(method, bits, seed, rate);
  const Json result = folder_.result(name, jobs_->run(method, bits, seed, rate), name + "/lqlora.json", [&] {
    FinetuneOptions options = finetune_options(method, bits, seed, rate);
    options.overwrite = folder_.overwrites();
    Context seeded = context_;
    seeded.seed = seed;
    reset_peak_rss();
    const CheckpointPtr model = has_packed_base(method) ? Checkpoint::open(options.model) : model_;
    CompareRun run;
    run.seed = seed;
    run.lr = rate;
    FinetuneReport report;
    try {
      report =
          options.task.empty() ? finetune(seeded, model, options) : finetune_task(seeded, model, options);
    } catch (const NothingLearntError& e) {
      run.failure = e.what();
      fs::remove_all(options.out);
      return to_json(run);
    }
    const TrainState& state = report.training.state;
    run.validation_loss = ends_with_best(options.train) ? state.best_loss : state.validation_loss;
    run.steps = state.step;
    run.final_loss = state.loss;
    run.tokens_per_second = report.training.tokens_per_second;
    run.seconds = static_cast<double>(state.tokens) / std::max(run.tokens_per_second, 1e-9);
    run.peak_rss_bytes = report.peak_rss_bytes;
    if (!report.task.is_null()) {
      run.metrics = report.task.at("validation").get<std::map<std::string, double>>();
      run.score = run.metrics.at("score");
    }
    if (options.full) {
      run.bits_with_low_rank = 32.0;  // it is written in f32
      set_scores(run, scores(Checkpoint::open(options.out), {}, false));
      if (!options.task.empty()) drop_weights(options.out);
      return to_json(run);
    }
    // Over all matrices, as the base's: finetune counts those that have a low-rank part.
    run.bits_with_low_rank = bits_.at(name_of(base_method(method), bits)) +
                             low_rank_bits(options.out, report.compressed.has_value());
    set_scores(run, scores(model, options.out, false));
    return to_json(run);
  });
  return compare_run_from_json(result, folder_.path(name + ".json").string());
}

}  // namespace lq
