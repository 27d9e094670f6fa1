#include "train/finetune.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "backends/cuda/device.h"
#include "base/option_error.h"
#include "base/process.h"
#include "base/version.h"
#include "files/atomic_file.h"
#include "files/job.h"
#include "files/job_report.h"
#include "files/options/job_identity.h"
#include "formats/peft_config.h"
#include "models/model_check.h"
#include "models/placement.h"
#include "tokenizers/tokenizer.h"
#include "train/checkpoints.h"
#include "train/finetune_hashes.h"
#include "train/finetune_options.h"
#include "train/finetune_product.h"
#include "train/gradient_sum.h"

namespace lq {
namespace {

// The model whose predictions are learnt, where one is named.
std::optional<Model> open_reference(Context& ctx, const FinetuneOptions& o, const ModelSpec& learner) {
  if (o.reference.empty()) return {};
  Model reference = Model::load(ctx, o.reference);
  const std::string path = o.reference.string();
  refuse_encoder(reference.spec(), path, "be learnt from");
  LQ_CHECK(reference.spec().vocab == learner.vocab, kMismatch,
           "{}: {} tokens in its vocabulary, but {} in that of the model that learns from it", path,
           reference.spec().vocab, learner.vocab);
  check_sequence_length(reference.spec(), o.data.examples.max_length, "[finetune] seq-len");
  return reference;
}

void check_ids(const ExampleSet& set, const Model& model, const std::filesystem::path& path) {
  std::int32_t most = 0;
  for (const auto* list : {&set.train, &set.validation}) {
    for (const EncodedExample& e : *list) {
      for (const std::int32_t id : e.ids) most = std::max(most, id);
    }
  }
  LQ_CHECK(most < model.spec().vocab, kMismatch,
           "{}: the tokenizer gives token {}, but the model's vocabulary has {}", path.string(), most,
           model.spec().vocab);
}

// Backward keeps all activations where they fit into the memory there is; the numbers are the same either
// way.
Keep activations_that_fit(const Context& ctx, const Model& model, std::int64_t tokens, std::int64_t more) {
  const std::int64_t need = model.memory_estimate(tokens, true, Keep::kActivations).total();
  if (!ctx.device.is_cpu()) {
    const auto free = static_cast<std::int64_t>(backends::cuda::memory(ctx.device).free);
    const PlacementNeed all{
        .memory = model.memory_estimate(tokens, true), .more = more, .attention_tokens = tokens};
    return device_bytes(model, all) < free ? Keep::kActivations : Keep::kBlocks;
  }
  const std::int64_t available = available_memory_bytes();
  return available == 0 || need < available / 4 * 3 ? Keep::kActivations : Keep::kBlocks;
}

// Each device has its precisions.
void choose_precision(const Context& ctx, FinetuneOptions& o) {
  const bool cpu = ctx.device.is_cpu();
  MatmulPrecision& p = o.train.precision;
  if (o.choose_precision && !cpu && p == MatmulPrecision::kI16) p = MatmulPrecision::kBf16;
  const bool of_cpu = p == MatmulPrecision::kI16;
  const bool of_cuda = p == MatmulPrecision::kBf16 || p == MatmulPrecision::kTf32;
  check_option(cpu ? !of_cuda : !of_cpu, "matmul-precision", "is {}, which {} does not compute in",
               enum_name(kMatmulPrecisionNames, p), device_text(ctx.device));
}

// Tokens of the largest batch.
std::int64_t batch_tokens(const ExampleSet& set, const TrainOptions& options) {
  if (options.batch.batching == Batching::kPacked) return options.batch.rows * options.batch.row_length;
  std::size_t longest = 0;
  for (const EncodedExample& e : set.train) longest = std::max(longest, e.ids.size());
  return options.batch.rows * static_cast<std::int64_t>(longest);
}

void check_full(const FinetuneOptions& o) {
  const LoraOptions& l = o.lora;
  const bool low_rank = !o.adapter.empty() || l.start == LoraStart::kStacked || !l.targets.empty() ||
                        l.rank != 0 || l.alpha != 0.0 || l.rslora || !l.whole.empty() ||
                        o.train.dropout != 0.0 || o.train.lora_plus != 1.0 || o.compress;
  check_option(!low_rank, "full", "trains every parameter: no option of adapters goes with it");
}

void check_options(const FinetuneOptions& o, bool task) {
  check_train_options(o.train);
  check_option(!o.data.train.empty(), "data", "names no file of examples");
  check_option(o.lora.start != LoraStart::kZero || o.adapter.empty(), "adapter",
               "and `init` zero exclude each other");
  check_option(o.reference.empty() || !task, "reference", "and `task` exclude each other");
  if (o.full) check_full(o);
}

// Options that mean nothing where nothing is validated.
void check_validation(const FinetuneOptions& o, const ExampleSet& set) {
  if (!set.validation.empty()) return;
  check_option(o.data.examples.validation == 0.0, "val-share",
               "is {}, which leaves none of {} examples for validation", o.data.examples.validation,
               set.train.size());
  const std::pair<std::string_view, bool> given[] = {{"early-stop", o.train.early_stop > 0},
                                                     {"eval-every", o.train.eval_every > 0},
                                                     {"final", o.train.end_with_best.value_or(false)}};
  for (const auto& [option, is] : given) {
    check_option(!is, option, "needs examples to validate on: give `val-data` or `val-share`");
  }
}

Model load_learner(Context& ctx, const CheckpointPtr& checkpoint, const FinetuneOptions& o,
                   const LabelledTask* task) {
  ModelLoadOptions load;
  load.adapter = o.adapter;
  load.no_adapter = o.lora.start == LoraStart::kZero;
  load.decode_all = o.full;
  if (task != nullptr) load.labels = task->labels;
  if (!o.adapter.empty()) {
    const double dropout = PeftConfig::load(o.adapter / "adapter_config.json").dropout;
    if (dropout != o.train.dropout) {
      ctx.progress.note(fmt::format("{}: trained with dropout {}, goes on with {} (`dropout`)",
                                    o.adapter.string(), dropout, o.train.dropout));
    }
  }
  Model model = Model::load(ctx, checkpoint, load);
  check_option(o.train.dropout == 0.0 || !model.has_magnitudes(), "dropout",
               "is {}, but the adapter to start from has magnitudes (DoRA), which learn without",
               o.train.dropout);
  if (task == nullptr) {
    refuse_encoder(model.spec(), checkpoint->path().string(), "learn to say the next token: name a `task`");
    check_sequence_length(model.spec(), o.data.examples.max_length, "[finetune] seq-len");
  }
  return model;
}

// Bytes of a run beside the model that learns.
struct BesideModel {
  std::int64_t moments = 0;    // of AdamW
  std::int64_t all = 0;        // these, partial sums of the step's gradient, the model that is learnt from
  std::int64_t on_device = 0;  // what of it lies where the model is computed
};

BesideModel beside_model(const Context& ctx, Model& model, const std::optional<Model>& reference,
                         const TrainOptions& o, std::int64_t parameters, std::int64_t tokens) {
  BesideModel bytes;
  bytes.moments = parameters * (o.adam.eight_bit ? 2 : 8);
  bytes.all =
      bytes.moments + GradientSum::spare_bytes(GradientArena::size_for(model.trainable()), o.accumulate,
                                               ctx.collective == nullptr ? 1 : ctx.collective->size());
  if (reference) bytes.all += reference->memory_estimate(tokens, false).total();
  bytes.on_device = o.adam.offload ? bytes.all - bytes.moments : bytes.all;
  return bytes;
}

FinetuneReport begun_report(const ExampleSet& set, const FinetuneProduct& product, std::int64_t parameters,
                            const std::optional<Model>& reference) {
  FinetuneReport report;
  report.examples = std::ssize(set.train);
  report.validation_examples = std::ssize(set.validation);
  report.data_tokens = set.tokens;
  report.trained_tokens = set.trained_tokens;
  report.bad = set.bad;
  report.truncated = set.truncated;
  report.dropped = set.dropped;
  report.findings = set.report;
  report.modules = product.modules();
  report.parameters = parameters;
  if (reference) report.reference = reference->checkpoint()->path().filename().string();
  return report;
}

// The line that a user reads before long work.
std::string need_text(const FinetuneReport& r, const FinetuneOptions& o, std::int64_t steps,
                      std::int64_t memory, std::int64_t disk) {
  return fmt::format(
      "finetune: {} examples, {} tokens ({} count); {} steps; {:.2f} M parameters in {} {} learn; needs "
      "about {} of memory and {} of disk for a checkpoint",
      r.examples, r.data_tokens, r.trained_tokens, steps, static_cast<double>(r.parameters) / 1e6, r.modules,
      o.full ? "tensors" : "modules", human_bytes(static_cast<double>(memory)),
      human_bytes(static_cast<double>(disk)));
}

// The product, the best step's beside it, and the logs.
void publish(Context& ctx, Model& model, const FinetuneOptions& o, const Job& output,
             FinetuneProduct& product, const TrainState& state) {
  const auto directory = output.final_dir();
  product.write(directory);
  if (state.best_step >= 0 &&
      Checkpoints(output.store_dir(), o.train.keep).restore_best(ctx, model.trainable())) {
    product.compress();
    product.write(directory / "best");
  }
  for (const auto& entry : std::filesystem::directory_iterator(output.store_dir())) {
    const std::string name = entry.path().filename().string();
    if (name == "log.jsonl" || name.starts_with("events.out.")) {
      copy_file_atomically(entry.path(), directory / name);
    }
  }
}

}  // namespace

FinetuneReport finetune(Context& ctx, const FinetuneOptions& options) {
  return finetune(ctx, Checkpoint::open(options.model), options);
}

FinetuneReport finetune(Context& ctx, const CheckpointPtr& checkpoint, const FinetuneOptions& given,
                        const LabelledTask* task) {
  LQ_CHECK(given.task.empty() == (task == nullptr), kInternal, "[finetune] task '{}' without its examples",
           given.task);
  const double begin = monotonic_seconds();
  FinetuneOptions o = given;
  check_options(o, task != nullptr);
  JobOptions job_options;
  job_options.inputs = {checkpoint->path()};
  for (const auto& path : {o.adapter, o.reference}) {
    if (!path.empty()) job_options.inputs.push_back(path);
  }
  job_options.overwrite = o.overwrite;
  Job::check(o.out, job_options);

  const auto tokenizer = Tokenizer::load(checkpoint->folder());
  Model model = load_learner(ctx, checkpoint, o, task);
  std::optional<Model> reference = open_reference(ctx, o, model.spec());
  if (task != nullptr && o.train.batch.batching == Batching::kPacked)
    o.train.batch.batching = Batching::kPlain;  // a row is an example
  o.lora.replaced = model.replaced();
  o.lora.label_head = task != nullptr;
  o.data.examples.seed = ctx.seed;
  o.train.batch.row_length = o.data.examples.max_length;
  o.train.batch.seed = ctx.seed;
  const ExampleSet set = task != nullptr
                             ? task->examples
                             : read_training_data(o.data, checkpoint->folder(), *tokenizer, ctx.progress);
  check_ids(set, model, checkpoint->path());
  check_validation(o, set);

  const std::string base_hash = model.base_hash(ctx);
  const std::string start_hash = hash_of_start(model, o.lora.replaced);
  FinetuneProduct product(ctx, model, o, base_hash, task != nullptr ? task->label_names : LabelNames());
  std::int64_t parameters = 0;
  for (const Parameter* p : model.trainable()) parameters += p->value.numel();
  const std::int64_t tokens = batch_tokens(set, o.train);
  const BesideModel beside = beside_model(ctx, model, reference, o.train, parameters, tokens);
  if (o.choose_activations) o.train.activations = activations_that_fit(ctx, model, tokens, beside.on_device);
  const PlacementNeed need{.memory = model.memory_estimate(tokens, true, o.train.activations),
                           .more = beside.on_device,
                           .attention_tokens = tokens,
                           .recomputes = o.train.activations == Keep::kBlocks};
  std::vector<const Model*> models = {&model};
  if (reference) models.push_back(&*reference);
  Context place = choose_device(ctx, models, need, "finetune");
  if (o.choose_activations && place.device != ctx.device)
    o.train.activations = activations_that_fit(place, model, tokens, beside.on_device);
  choose_precision(place, o);
  job_options.job = job_identity(o,
                                 {.model = base_hash,
                                  .adapter = start_hash,
                                  .examples = hash_of_examples(set.train),
                                  .validation = hash_of_examples(set.validation),
                                  .reference = reference ? reference->base_hash(ctx) : std::string()},
                                 ctx.seed);
  // Another kind of device gives other numbers; jobs of the processor have never said so.
  if (!place.device.is_cpu()) job_options.job["device"] = "cuda";
  job_options.today = [&o](const nlohmann::json& old) {
    return identity_today(old, [&o](OptionVisitor& v) { describe(v, o); });
  };
  add_identity(job_options, "config_hash", checkpoint->config_hash());
  Job output(o.out, job_options);
  if (output.state() == JobState::kFinished) return finished_job_report(o.out, finetune_report_from_json);

  FinetuneReport report = begun_report(set, product, parameters, reference);
  const std::int64_t memory = model.memory_estimate(tokens, true, o.train.activations).total() + beside.all;
  ctx.progress.note(need_text(report, o, total_steps(set, o.train), memory, 4 * parameters + beside.moments));
  move_model(place, model, need);
  if (reference) move_model(place, *reference, {});
  report.training = train(place, model, set, o.train, output.store_dir(), reference ? &*reference : nullptr);
  model.adapters_to_host(place);
  report.compressed = product.compress();
  if (task != nullptr && task->finish) report.task = task->finish(place, model, output.final_dir());
  publish(ctx, model, o, output, product, report.training.state);
  report.seconds = monotonic_seconds() - begin;
  report.peak_rss_bytes = peak_rss_bytes();
  output.finish(
      {{"lqlora", kVersion}, {"base", checkpoint->path().filename().string()}, {"report", to_json(report)}});
  return report;
}

}  // namespace lq
