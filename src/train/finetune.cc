#include "train/finetune.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "backends/cuda/device.h"
#include "base/hash.h"
#include "base/option_error.h"
#include "base/process.h"
#include "base/version.h"
#include "files/atomic_file.h"
#include "files/job.h"
#include "files/json_file.h"
#include "files/options/job_identity.h"
#include "models/model_check.h"
#include "models/placement.h"
#include "quant/format.h"
#include "tokenizers/tokenizer.h"
#include "train/checkpoints.h"
#include "train/finetune_options.h"
#include "train/full_model.h"
#include "train/gradient_sum.h"

namespace lq {
namespace {

// What A and B are stored as where the adapter is compressed (docs/method.md, section 6).
std::unique_ptr<Quantizer> factor_quantizer() {
  return make_quantizer(parse_choice("nf,8,8,fp32,64,256", "compress"));
}

// What the examples are, whatever files and flags they came from.
std::string hash_of(const std::vector<EncodedExample>& examples) {
  Hasher hasher;
  for (const EncodedExample& e : examples) {
    const std::uint64_t size = e.ids.size();
    hasher.update(&size, sizeof(size));
    hasher.update(e.ids.data(), e.ids.size() * sizeof(e.ids[0]));
    hasher.update(e.in_loss.data(), e.in_loss.size());
    if (!e.types.empty()) hasher.update(e.types.data(), e.types.size() * sizeof(e.types[0]));
    if (e.label) hasher.update(&*e.label, sizeof(*e.label));
  }
  return hasher.hex();
}

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

// Of what the run starts from besides the base: low-rank parts, and weights that an adapter has replaced.
std::string hash_of_start(Model& model, const std::vector<std::string>& replaced) {
  Hasher hasher;
  bool any = !replaced.empty();
  for (const std::string& name : replaced) {
    const Tensor& value = model.find_parameter(name)->value;
    hasher.update(name);
    hasher.update(value.raw(), value.bytes());
  }
  const auto magnitude = [&](const Magnitude* m) {
    if (m != nullptr) hasher.update(m->m.value.raw(), m->m.value.bytes());
  };
  if (const EmbeddingLora* lora = model.embedding().lora()) {
    any = true;
    hasher.update(model.embedding().name());
    hasher.update(lora->a.value.raw(), lora->a.value.bytes());
    hasher.update(lora->b.value.raw(), lora->b.value.bytes());
    hasher.update(&lora->scaling, sizeof(lora->scaling));
    magnitude(lora->magnitude.get());
  }
  for (const Module& m : model.modules()) {
    const Lora* lora = m.linear->lora();
    if (lora == nullptr) continue;
    any = true;
    hasher.update(m.name);
    hasher.update(lora->a.value.raw(), lora->a.value.bytes());
    hasher.update(lora->b.value.raw(), lora->b.value.bytes());
    hasher.update(&lora->scaling, sizeof(lora->scaling));
    magnitude(lora->magnitude.get());
  }
  return any ? hasher.hex() : "none";
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

FinetuneReport finished_report(const std::filesystem::path& out) {
  const auto path = out / "lqlora.json";
  const nlohmann::json manifest = read_json(path);
  LQ_CHECK(manifest.contains("report"), kCorruptFile, "{}: no report in it", path.string());
  FinetuneReport report = finetune_report_from_json(manifest["report"], path.string());
  report.already_done = true;
  return report;
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

// What a run makes: an adapter, or with `full` a model.
class Product {
 public:
  Product(Context& ctx, Model& model, const FinetuneOptions& o, std::string base_hash, LabelNames labels)
      : ctx_(ctx), model_(model), o_(o), base_hash_(std::move(base_hash)), labels_(std::move(labels)) {
    if (o.full) {
      specs_ = train_all_parameters(model);
    } else {
      lora_ = lora_setup(ctx, model, o.lora);
    }
  }
  std::int64_t modules() const { return o_.full ? std::ssize(specs_) : lora_.trained; }
  void write(const std::filesystem::path& directory) const {
    std::filesystem::create_directories(directory);
    if (o_.full) return write_full_model(model_, specs_, directory, labels_);
    // PEFT finds a dense base by this path; a packed one is ours alone.
    const std::string base_model = model_.packed() ? std::string() : model_.checkpoint()->path().string();
    write_adapter(ctx_, model_, lora_, o_.train.dropout, base_hash_, base_model, directory);
  }

 private:
  Context& ctx_;
  Model& model_;
  const FinetuneOptions& o_;
  std::string base_hash_;
  LabelNames labels_;
  std::vector<TensorSpec> specs_;
  LoraState lora_;
};

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
  check_train_options(o.train);
  check_option(!o.data.train.empty(), "data", "names no file of examples");
  const bool from_zero = o.lora.start == LoraStart::kZero;
  check_option(!from_zero || o.adapter.empty(), "adapter", "and `init` zero exclude each other");
  check_option(o.reference.empty() || task == nullptr, "reference", "and `task` exclude each other");
  if (o.full) check_full(o);
  std::vector<std::filesystem::path> inputs = {checkpoint->path()};
  if (!o.adapter.empty()) inputs.push_back(o.adapter);
  if (!o.reference.empty()) inputs.push_back(o.reference);
  JobOptions job_options;
  job_options.inputs = inputs;
  job_options.overwrite = o.overwrite;
  Job::check(o.out, job_options);

  const auto tokenizer = Tokenizer::load(checkpoint->folder());
  ModelLoadOptions load;
  load.adapter = o.adapter;
  load.no_adapter = from_zero;
  load.decode_all = o.full;
  if (task != nullptr) load.labels = task->labels;
  Model model = Model::load(ctx, checkpoint, load);
  o.lora.replaced = model.replaced();
  check_option(o.train.dropout == 0.0 || !model.has_magnitudes(), "dropout",
               "is {}, but the adapter to start from has magnitudes (DoRA), which learn without",
               o.train.dropout);
  if (task == nullptr) {
    refuse_encoder(model.spec(), checkpoint->path().string(), "learn to say the next token: name a `task`");
    check_sequence_length(model.spec(), o.data.examples.max_length, "[finetune] seq-len");
  } else if (o.train.batch.batching == Batching::kPacked) {
    o.train.batch.batching = Batching::kPlain;  // a row is an example
  }
  std::optional<Model> reference = open_reference(ctx, o, model.spec());
  o.lora.label_head = task != nullptr;
  o.data.examples.seed = ctx.seed;
  ExampleSet set = task != nullptr
                       ? task->examples
                       : read_training_data(o.data, checkpoint->folder(), *tokenizer, ctx.progress);
  check_ids(set, model, checkpoint->path());
  o.train.batch.row_length = o.data.examples.max_length;
  o.train.batch.seed = ctx.seed;

  const std::string base_hash = model.base_hash(ctx);
  const std::string start_hash = hash_of_start(model, o.lora.replaced);
  const Product product(ctx, model, o, base_hash, task != nullptr ? task->label_names : LabelNames());
  std::int64_t parameters = 0;
  for (const Parameter* p : model.trainable()) parameters += p->value.numel();
  const std::int64_t moments = parameters * (o.train.adam.eight_bit ? 2 : 8);
  // Partial sums of the step's gradient.
  const std::int64_t sums =
      GradientSum::spare_bytes(GradientArena::size_for(model.trainable()), o.train.accumulate,
                               ctx.collective == nullptr ? 1 : ctx.collective->size());
  const std::int64_t tokens = batch_tokens(set, o.train);
  const std::int64_t beside =
      moments + sums + (reference ? reference->memory_estimate(tokens, false).total() : 0);
  const std::int64_t beside_on_device = o.train.adam.offload ? beside - moments : beside;
  if (o.choose_activations) o.train.activations = activations_that_fit(ctx, model, tokens, beside_on_device);
  const PlacementNeed need{.memory = model.memory_estimate(tokens, true, o.train.activations),
                           .more = beside_on_device,
                           .attention_tokens = tokens,
                           .recomputes = o.train.activations == Keep::kBlocks};
  std::vector<const Model*> models = {&model};
  if (reference) models.push_back(&*reference);
  Context place = choose_device(ctx, models, need, "finetune");
  if (o.choose_activations && place.device != ctx.device)
    o.train.activations = activations_that_fit(place, model, tokens, beside_on_device);
  choose_precision(place, o);
  job_options.job = job_identity(o,
                                 {.model = base_hash,
                                  .adapter = start_hash,
                                  .examples = hash_of(set.train),
                                  .validation = hash_of(set.validation),
                                  .reference = reference ? reference->base_hash(ctx) : std::string()},
                                 ctx.seed);
  // Another kind of device gives other numbers; jobs of the processor have never said so.
  if (!place.device.is_cpu()) job_options.job["device"] = "cuda";
  job_options.today = [&o](const nlohmann::json& old) {
    return identity_today(old, [&o](OptionVisitor& v) { describe(v, o); });
  };
  Job output(o.out, job_options);
  if (output.state() == JobState::kFinished) return finished_report(o.out);

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
  if (reference) report.reference = reference->checkpoint()->path().filename().string();
  report.parameters = parameters;
  ctx.progress.note(fmt::format(
      "finetune: {} examples, {} tokens ({} count); {} steps; {:.2f} M parameters in {} {} "
      "learn; needs about {} "
      "of memory and {} of disk for a checkpoint",
      report.examples, report.data_tokens, report.trained_tokens, total_steps(set, o.train),
      static_cast<double>(report.parameters) / 1e6, report.modules, o.full ? "tensors" : "modules",
      human_bytes(
          static_cast<double>(model.memory_estimate(tokens, true, o.train.activations).total() + beside)),
      human_bytes(static_cast<double>(4 * report.parameters + moments))));

  move_model(place, model, need);
  if (reference) move_model(place, *reference, {});
  report.training = train(place, model, set, o.train, output.store_dir(), reference ? &*reference : nullptr);
  model.adapters_to_host(place);

  const auto final_dir = output.final_dir();
  if (task != nullptr && task->finish) report.task = task->finish(place, model, final_dir);
  if (o.compress) report.compressed = compress_adapter(ctx, model, *factor_quantizer());
  product.write(final_dir);
  if (report.training.state.best_step >= 0 &&
      Checkpoints(output.store_dir(), o.train.keep).restore_best(ctx, model.trainable())) {
    if (o.compress) compress_adapter(ctx, model, *factor_quantizer());
    product.write(final_dir / "best");
  }
  for (const auto& entry : std::filesystem::directory_iterator(output.store_dir())) {
    const std::string name = entry.path().filename().string();
    if (name == "log.jsonl" || name.starts_with("events.out.")) {
      copy_file_atomically(entry.path(), final_dir / name);
    }
  }
  report.seconds = monotonic_seconds() - begin;
  report.peak_rss_bytes = peak_rss_bytes();
  output.finish(
      {{"lqlora", kVersion}, {"base", checkpoint->path().filename().string()}, {"report", to_json(report)}});
  return report;
}

}  // namespace lq
