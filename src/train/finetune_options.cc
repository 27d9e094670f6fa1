#include "train/finetune_options.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/version.h"
#include "files/options/job_identity.h"
#include "files/options/option_values.h"

namespace lq {
namespace {

constexpr std::int64_t kMostTokensOfRow = 1 << 24;
constexpr std::int64_t kMostRows = 1 << 20;
constexpr const char* kTraining = "Training";
constexpr const char* kWhatLearns = "What learns";

constexpr EnumName<Batching> kBatchingNames[] = {
    {Batching::kPacked, "packed"}, {Batching::kGrouped, "grouped"}, {Batching::kPlain, "plain"}};
constexpr EnumName<ScheduleKind> kScheduleNames[] = {{ScheduleKind::kCosine, "cosine"},
                                                     {ScheduleKind::kLinear, "linear"},
                                                     {ScheduleKind::kConstant, "constant"}};
// "beside" is the old name of "stacked".
constexpr EnumName<LoraStart> kLoraStartNames[] = {{LoraStart::kAdapter, "auto"},
                                                   {LoraStart::kZero, "zero"},
                                                   {LoraStart::kStacked, "stacked"},
                                                   {LoraStart::kStacked, "beside"}};

std::string source_text(const DataSource& source) {
  return source.weight == 1.0 ? source.path.string()
                              : fmt::format("{}:{}", source.path.string(), source.weight);
}

OptionValuePtr sources(std::vector<DataSource>& field) {
  return parsed_list(
      [&field] {
        std::vector<std::string> all;
        for (const DataSource& source : field) all.push_back(source_text(source));
        return all;
      },
      [&field](const std::vector<std::string>& all) {
        field.clear();
        for (const std::string& text : all) field.push_back(parse_source(text));
      },
      [&field] {
        nlohmann::json all = nlohmann::json::array();
        for (const DataSource& s : field) all.push_back({{"path", s.path.string()}, {"weight", s.weight}});
        return all;
      });
}

OptionValuePtr field_names(std::map<std::string, std::string>& field) {
  return parsed_list(
      [&field] {
        std::vector<std::string> all;
        for (const auto& [name, other] : field) all.push_back(name + "=" + other);
        return all;
      },
      [&field](const std::vector<std::string>& all) {
        field.clear();
        for (const std::string& pair : all) {
          const std::size_t equals = pair.find('=');
          LQ_CHECK(equals != std::string::npos && equals > 0 && equals + 1 < pair.size(), kInvalidArgument,
                   "is '{}', but must be FIELD=NAME, such as prompt=question", pair);
          const std::string name = pair.substr(0, equals), other = pair.substr(equals + 1);
          const auto& known = record_field_names();
          LQ_CHECK(std::ranges::find(known, name) != known.end(), kInvalidArgument,
                   "'{}' is no field of records (there are {})", name, fmt::join(known, ", "));
          for (const auto& [earlier, its] : field) {
            LQ_CHECK(its != other || earlier == name, kInvalidArgument, "'{}' is given as {} and as {}",
                     other, earlier, name);
          }
          field[name] = other;
        }
      },
      {}, true);
}

void describe_batches(OptionVisitor& v, FinetuneOptions& o) {
  TrainOptions& t = o.train;
  v.option(
      {.key = "batching",
       .help = "packed: as many examples in a row as fit, kept apart; grouped: like lengths together; plain"},
      name(t.batch.batching, kBatchingNames));
  v.option({.key = "no-shuffle", .help = "Examples in the order of the files", .identity = "/shuffle"},
           no_flag(t.batch.shuffle));
  v.option({.key = "batch-size", .help = "Rows that pass through the model together", .group = kTraining},
           integer(t.batch.rows, 1, kMostRows));
  v.option({.key = "grad-accum", .help = "Batches of a step", .group = kTraining},
           integer(t.accumulate, 1, kMostRows));
  v.option({.key = "max-steps",
            .help = "Steps of the run (default: by `epochs`)",
            .group = kTraining,
            .open = true},
           integer(t.max_steps, 1));
  v.option(
      {.key = "epochs", .help = "Times that the data is seen", .group = kTraining, .excludes = {"max-steps"}},
      number(t.epochs, {.least = 0.0, .most = 1e6, .above = true}));
}

void describe_optimizer(OptionVisitor& v, FinetuneOptions& o) {
  TrainOptions& t = o.train;
  v.option({.key = "lr", .help = "Largest learning rate", .group = kTraining}, number(t.lr, kAboveZero));
  v.option({.key = "schedule", .help = "Of the learning rate", .group = kTraining},
           name(t.schedule, kScheduleNames));
  v.option({.key = "warmup",
            .help = "Share of the steps (below 1), or steps, in which the rate rises",
            .group = kTraining},
           number(t.warmup, kZeroOrMore));
  v.option({.key = "optimizer", .help = "adamw, or adamw8bit: moments in 8 bits", .group = kTraining},
           named(
               {"adamw", "adamw8bit"}, [&t] { return t.adam.eight_bit ? "adamw8bit" : "adamw"; },
               [&t](const std::string& is) { t.adam.eight_bit = is == "adamw8bit"; }));
  v.option(
      {.key = "offload-optimizer",
       .help = "On a device: moments stay in the host's memory, where the processor updates what learns; "
               "the same bits, with less of the device's memory and more time",
       .group = kTraining,
       .changes_result = false},
      flag(t.adam.offload));
  v.option({.key = "beta1", .help = "Of the first moment", .group = kTraining, .identity = "/betas/0"},
           number(t.adam.beta1, kBelowOne));
  v.option({.key = "beta2", .help = "Of the second moment", .group = kTraining, .identity = "/betas/1"},
           number(t.adam.beta2, kBelowOne));
  v.option({.key = "eps", .help = "Of AdamW", .group = kTraining}, number(t.adam.eps, kAboveZero));
  v.option({.key = "weight-decay", .help = "Of matrices; norms and biases have none", .group = kTraining},
           number(t.weight_decay, kZeroOrMore));
  v.option({.key = "clip", .help = "Largest norm of a step's gradient; 0: any", .group = kTraining},
           number(t.clip, kZeroOrMore));
}

void describe_run(OptionVisitor& v, FinetuneOptions& o) {
  TrainOptions& t = o.train;
  v.option({.key = "eval-every",
            .help = "Validate every this many steps (0: at both ends only)",
            .group = kTraining},
           integer(t.eval_every, 0));
  v.option({.key = "early-stop",
            .help = "End after this many validations without a better one (0: never)",
            .group = kTraining},
           integer(t.early_stop, 0));
  v.option({.key = "final",
            .help = "Write the last or the best weights (default: best with `early-stop`)",
            .group = kTraining,
            .open = true,
            .identity = "/end_with_best"},
           identity_by(named(
                           {"last", "best"},
                           [&t] { return !t.end_with_best   ? ""
                                         : *t.end_with_best ? "best"
                                                            : "last"; },
                           [&t](const std::string& is) { t.end_with_best = is == "best"; }),
                       [&t] { return nlohmann::json(ends_with_best(t)); }));
  v.option({.key = "save-every",
            .help = "Checkpoint every this many steps (0: only when interrupted)",
            .group = kTraining,
            .changes_result = false},
           integer(t.save_every, 0));
  v.option({.key = "keep", .help = "Checkpoints to keep", .group = kTraining, .changes_result = false},
           integer(t.keep, 1, 1000));
  v.option(
      {.key = "recompute",
       .help = "Activations are computed again in the backward pass: never, always, or where memory is short",
       .group = kTraining,
       .changes_result = false},
      named(
          {"auto", "always", "never"},
          [&o] {
            return o.choose_activations ? "auto" : o.train.activations == Keep::kBlocks ? "always" : "never";
          },
          [&o](const std::string& is) {
            o.choose_activations = is == "auto";
            o.train.activations = is == "always" ? Keep::kBlocks : Keep::kActivations;
          }));
  v.option(
      {.key = "matmul-precision",
       .help = "Products of the linear layers in a step: int16 (16-bit integers, a scale for each 64: off "
               "by 2e-4, less than TF32, and faster) or f32; on CUDA devices bf16 (sums in f32), tf32 or "
               "f32; auto: int16 or bf16",
       .group = kTraining},
      // Older versions computed in f32 and did not say so.
      identity_by(named(
                      {"auto", "int16", "f32", "bf16", "tf32"},
                      [&o] {
                        const MatmulPrecision is = o.train.precision;
                        const bool open = o.choose_precision && is == MatmulPrecision::kI16;
                        return open ? std::string("auto") : std::string(enum_name(kMatmulPrecisionNames, is));
                      },
                      [&o](const std::string& is) {
                        o.choose_precision = is == "auto";
                        o.train.precision = parse_matmul_precision(o.choose_precision ? "int16" : is);
                      }),
                  [&t] {
                    return t.precision == MatmulPrecision::kF32
                               ? std::optional<nlohmann::json>()
                               : nlohmann::json(enum_name(kMatmulPrecisionNames, t.precision));
                  }));
}

void describe_low_rank(OptionVisitor& v, FinetuneOptions& o) {
  const bool stacked = o.lora.start == LoraStart::kStacked;
  v.option(
      {.key = "adapter",
       .help = "PEFT adapter to start from (default: the decomposition's, MODEL/adapter of a packed model)",
       .group = kWhatLearns,
       .identified_by = "/adapter_hash"},
      path(o.adapter));
  v.option(
      {.key = "init",
       .help = "auto: from that adapter where there is one; zero: A random, B = 0; stacked: that adapter is "
               "frozen, and new factors (A random, B = 0) learn on top of it; OUT holds both as one",
       .group = kWhatLearns,
       .identified_by = stacked ? "" : "/adapter_hash"},
      name(o.lora.start, kLoraStartNames));
  v.option({.key = "freeze-lora",
            .help = "The same as `init` stacked",
            .group = kWhatLearns,
            .excludes = {"init"},
            .identified_by = stacked ? "/init" : "/adapter_hash"},
           switch_to(o.lora.start, LoraStart::kStacked));
  v.option({.key = "rank",
            .help = "Rank of new low-rank parts (default: the adapter's, else 64)",
            .group = kWhatLearns,
            .open = true},
           integer(o.lora.rank, 1, kMostRows));
  v.option({.key = "alpha",
            .help = "lora_alpha (default: what keeps the adapter's scaling, else the rank)",
            .group = kWhatLearns,
            .open = true},
           number(o.lora.alpha, kAlphaRange));
  v.option({.key = "rslora", .help = "Scale by alpha / sqrt(rank)", .group = kWhatLearns},
           flag(o.lora.rslora));
  v.option({.key = "target",
            .help = "Modules that learn: names, their ends (q_proj) or regular expressions (repeatable)",
            .group = kWhatLearns},
           texts(o.lora.targets, true));
  v.option({.key = "train",
            .help = "Also learns, whole: norms, head, embeddings, or pooler, an encoder's layer before its "
                    "classifier (repeatable)",
            .group = kWhatLearns},
           words(o.lora.whole, {"norms", "head", "embeddings", "pooler"}));
  v.option({.key = "dropout", .help = "Of what goes into the low-rank parts", .group = kWhatLearns},
           number(o.train.dropout, kBelowOne));
  v.option({.key = "lora-plus", .help = "B learns this many times as fast as A", .group = kWhatLearns},
           number(o.train.lora_plus, kAboveZero));
  v.option(
      {.key = "compress-adapter",
       .help = "nf8: A and B end as what quantizing them to 8 bits leaves; the average bits are reported",
       .group = kWhatLearns,
       .identity = "/compress"},
      identity_by(named(
                      {"nf8"}, [&o] { return o.compress ? "nf8" : ""; },
                      [&o](const std::string&) { o.compress = true; }),
                  [&o] { return nlohmann::json(o.compress); }));
  v.option({.key = "full",
            .help = "All parameters of a dense model learn, and OUT becomes a model, not an adapter",
            .group = kWhatLearns,
            .excludes = {"adapter", "init", "freeze-lora", "rank", "alpha", "rslora", "target", "train",
                         "dropout", "lora-plus", "compress-adapter"}},
           identity_by(flag(o.full),
                       [&o] { return o.full ? nlohmann::json(true) : std::optional<nlohmann::json>(); }));
}

}  // namespace

FinetuneOptions finetune_defaults() {
  FinetuneOptions o;
  o.data.examples.max_length = 512;
  o.train.batch.rows = 4;
  o.train.precision = MatmulPrecision::kI16;
  o.choose_precision = true;
  return o;
}

void describe(OptionVisitor& v, TrainingDataOptions& o) {
  v.option(
      {.key = "data",
       .help = "Examples: .txt, .jsonl, .json, .csv, .tsv (also compressed) or a folder; FILE:WEIGHT sees it "
               "that often an epoch (repeatable)",
       .required = true},
      sources(o.train));
  v.option({.key = "val-data", .help = "Examples for validation only (repeatable)"}, sources(o.validation));
  v.option({.key = "val-share",
            .help = "Share of `data` kept for validation",
            .identified_by = "/validation_hash"},
           number(o.examples.validation, {.least = 0.0, .most = 0.999}));
  v.option({.key = "seq-len", .help = "Tokens of a row; longer examples are cut"},
           integer(o.examples.max_length, 2, kMostTokensOfRow));
  v.option({.key = "drop-long",
            .help = "Leave longer examples out instead (texts are cut into rows)",
            .identified_by = "/examples_hash"},
           flag(o.examples.drop_long));
  v.option({.key = "skip-bad",
            .help = "Pass over damaged records and count them",
            .identified_by = "/examples_hash"},
           flag(o.examples.records.skip_bad));
  v.option({.key = "chat-template",
            .help = "Its name (default: the tokenizer's own)",
            .identified_by = "/examples_hash"},
           text(o.chat_template));
  v.option({.key = "fields",
            .help = "Other names of fields or columns, such as prompt=question,completion=answer",
            .identified_by = "/examples_hash"},
           field_names(o.examples.format.fields));
  v.option({.key = "train-on",
            .help = "responses: only what the model shall say; all: the prompts too",
            .identified_by = "/examples_hash"},
           named(
               {"responses", "all"}, [&o] { return o.examples.encode.train_on_all ? "all" : "responses"; },
               [&o](const std::string& is) { o.examples.encode.train_on_all = is == "all"; }));
}

void describe(OptionVisitor& v, FinetuneOptions& o) {
  v.option({.key = "model",
            .help = "Model directory: Hugging Face's, dense, or packed by lqlora",
            .position = "MODEL",
            .required = true,
            .identified_by = "/model_hash"},
           path(o.model));
  v.option({.key = "out",
            .help = "Directory of the adapter (with `full`: of the model) to write",
            .letter = "o",
            .required = true,
            .changes_result = false},
           path(o.out));
  v.option(
      {.key = "task",
       .help = "A task of GLUE (sst2, mrpc, cola, stsb, rte ...), learnt by an encoder with a head; `data` "
               "is the folder of its files",
       .identified_by = "/examples_hash"},
      text(o.task));
  v.option({.key = "task-examples",
            .help = "At most so many training examples of the task, the first ones (0: all)",
            .identified_by = "/examples_hash"},
           integer(o.task_examples, 0));
  v.option(
      {.key = "reference",
       .help = "Learn what this model says of the data (KL divergence from its next-token predictions) in "
               "place of the text: brings a quantized model back to the one that it was made of",
       .excludes = {"task"},
       .identified_by = o.reference.empty() ? "/model_hash" : "/reference_hash"},
      path(o.reference));
  describe(v, o.data);
  describe_batches(v, o);
  describe_optimizer(v, o);
  describe_run(v, o);
  describe_low_rank(v, o);
  v.option({.key = "resume",
            .help = "Go on where an interrupted run of the same command was (as it does anyway), or begin",
            .changes_result = false},
           accepted());
  v.option({.key = "overwrite",
            .help = "Discard what another finetune command left in the directory",
            .changes_result = false},
           flag(o.overwrite));
}

nlohmann::json job_identity(const FinetuneOptions& options, const FinetuneSources& sources,
                            std::uint64_t seed) {
  FinetuneOptions o = options;
  nlohmann::json job = {{"verb", "finetune"},
                        {"version", kVersion},
                        {"seed", seed},
                        {"model_hash", sources.model},
                        {"adapter_hash", sources.adapter},
                        {"examples_hash", sources.examples},
                        {"validation_hash", sources.validation}};
  if (!o.reference.empty()) job["reference_hash"] = sources.reference;
  return with_identity(std::move(job), [&o](OptionVisitor& v) { describe(v, o); });
}

}  // namespace lq
