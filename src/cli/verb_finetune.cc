#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/data_flags.h"
#include "train/finetune.h"

namespace lq::cli {
namespace {

struct FinetuneFlags {
  DataFlags data;
  std::string schedule = "cosine", optimizer = "adamw", init = "auto", batching = "packed",
              recompute = "auto", precision = "int16", final_weights, compress;
  FinetuneOptions options;
  bool resume = false, freeze_lora = false;
  bool no_shuffle = false;
};

FinetuneOptions options_of(const FinetuneFlags& f) {
  FinetuneOptions o = f.options;
  o.data = f.data.options();
  const bool stacked = f.freeze_lora || f.init == "stacked" || f.init == "beside";  // beside: the old name
  o.lora.start = f.init == "zero" ? LoraStart::kZero : stacked ? LoraStart::kStacked : LoraStart::kAdapter;
  o.train.schedule = parse_schedule(f.schedule);
  o.train.adam.eight_bit = f.optimizer == "adamw8bit";
  o.train.batch.batching = f.batching == "packed"    ? Batching::kPacked
                           : f.batching == "grouped" ? Batching::kGrouped
                                                     : Batching::kPlain;
  o.train.batch.shuffle = !f.no_shuffle;
  o.compress = f.compress == "nf8";
  o.choose_activations = f.recompute == "auto";
  o.train.activations = f.recompute == "always" ? Keep::kBlocks : Keep::kActivations;
  o.train.precision = parse_matmul_precision(f.precision);
  o.train.end_with_best = f.final_weights.empty() ? o.train.early_stop > 0 : f.final_weights == "best";
  return o;
}

void print_report(const Session& session, const FinetuneReport& r, std::string_view what,
                  const std::filesystem::path& out) {
  const TrainState& s = r.training.state;
  std::string text = fmt::format("{} of {} steps{}, loss {:.5f}", s.step, r.training.total_steps,
                                 r.training.stopped_early ? " (stopped early)" : "", s.loss);
  if (s.validation_loss) {
    text += fmt::format(
        "\nvalidation: loss {:.5f} -> {:.5f} (perplexity {:.4f} -> {:.4f}), best {:.5f} after step {}",
        s.first_validation_loss.value_or(NAN), *s.validation_loss,
        std::exp(s.first_validation_loss.value_or(NAN)), std::exp(*s.validation_loss),
        s.best_loss.value_or(NAN), s.best_step);
  }
  if (r.compressed) {
    text += fmt::format("\nA and B in NF8 (relative error {:.5f}): {:.3f} bits per weight with them",
                        r.compressed->relative_error, r.compressed->bits_per_weight_with_low_rank);
  }
  text += fmt::format("\n{} tokens, {} of them counted, {:.0f} tokens/s; peak memory {}; {} in {}{}\n",
                      s.tokens, s.trained_tokens, r.training.tokens_per_second,
                      human_bytes(static_cast<double>(r.peak_rss_bytes)), what, out.string(),
                      r.already_done ? " (finished before; nothing was computed)" : "");
  session.print(text);
}

void run(Session& session, const FinetuneFlags& flags) {
  FinetuneOptions options = options_of(flags);
  options.data.examples.records.on_bad = [&](const std::string& error) { session.note("skipped: " + error); };
  const FinetuneReport report = finetune(session.context(), options);
  if (report.bad + report.truncated + report.dropped > 0) {
    session.note(
        fmt::format("data: {} records skipped as bad, {} examples cut to {} tokens, {} left out (too long, "
                    "or nothing counts)",
                    report.bad, report.truncated, options.data.examples.max_length, report.dropped));
  }
  print_report(session, report, options.full ? "model" : "adapter", options.out);
  session.write_json(to_json(report));
}

void add_training_flags(CLI::App& verb, FinetuneFlags& f) {
  TrainOptions& t = f.options.train;
  verb.add_option("--batch-size", t.batch.rows, "Rows that pass through the model together")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  verb.add_option("--grad-accum", t.accumulate, "Batches of a step")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  auto* steps = verb.add_option("--max-steps", t.max_steps, "Steps of the run (default: by --epochs)");
  verb.add_option("--epochs", t.epochs, "Times that the data is seen")
      ->capture_default_str()
      ->excludes(steps);
  verb.add_option("--lr", t.lr, "Largest learning rate")->capture_default_str();
  verb.add_option("--schedule", f.schedule, "cosine, linear or constant")->capture_default_str();
  verb.add_option("--warmup", t.warmup, "Share of the steps (below 1), or steps, in which the rate rises")
      ->capture_default_str();
  verb.add_option("--optimizer", f.optimizer, "adamw, or adamw8bit: moments in 8 bits")
      ->check(CLI::IsMember({"adamw", "adamw8bit"}))
      ->capture_default_str();
  verb.add_option("--beta1", t.adam.beta1, "Of the first moment")->capture_default_str();
  verb.add_option("--beta2", t.adam.beta2, "Of the second moment")->capture_default_str();
  verb.add_option("--eps", t.adam.eps, "Of AdamW")->capture_default_str();
  verb.add_option("--weight-decay", t.weight_decay, "Of matrices; norms and biases have none")
      ->capture_default_str();
  verb.add_option("--clip", t.clip, "Largest norm of a step's gradient; 0: any")->capture_default_str();
  verb.add_option("--eval-every", t.eval_every, "Validate every this many steps (0: at both ends only)")
      ->check(CLI::NonNegativeNumber);
  verb.add_option("--early-stop", t.early_stop, "End after this many validations without a better one")
      ->check(CLI::NonNegativeNumber);
  verb.add_option("--final", f.final_weights,
                  "Write the last or the best weights (default: best with --early-stop)")
      ->check(CLI::IsMember({"last", "best"}));
  verb.add_option("--save-every", t.save_every, "Checkpoint every this many steps (0: only when interrupted)")
      ->check(CLI::NonNegativeNumber);
  verb.add_option("--keep", t.keep, "Checkpoints to keep")->check(CLI::Range(1, 1000))->capture_default_str();
  verb.add_option(
          "--recompute", f.recompute,
          "Activations are computed again in the backward pass: never, always, or where memory is short")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  verb.add_option("--matmul-precision", f.precision,
                  "Products of the linear layers in a step: int16 (16-bit integers, a scale for each 64: off "
                  "by 2e-4, less than TF32, and faster) or f32")
      ->check(CLI::IsMember({"int16", "f32"}))
      ->capture_default_str();
}

void add_lora_flags(CLI::App& verb, FinetuneFlags& f) {
  FinetuneOptions& o = f.options;
  verb.add_option(
      "--adapter", o.adapter,
      "PEFT adapter to start from (default: the decomposition's, MODEL/adapter of a packed model)");
  auto* init =
      verb.add_option(
              "--init", f.init,
              "auto: from that adapter where there is one; zero: A random, B = 0; stacked: that adapter is "
              "frozen, and new factors (A random, B = 0) learn on top of it; OUT holds both as one")
          ->check(CLI::IsMember({"auto", "zero", "stacked", "beside"}))
          ->capture_default_str();
  verb.add_flag("--freeze-lora", f.freeze_lora, "The same as --init stacked")->excludes(init);
  verb.add_option("--rank", o.lora.rank, "Rank of new low-rank parts (default: the adapter's, else 64)")
      ->check(CLI::Range(1, 1 << 20));
  verb.add_option("--alpha", o.lora.alpha, "lora_alpha (default: the adapter's, else the rank)")
      ->check(CLI::PositiveNumber);
  verb.add_flag("--rslora", o.lora.rslora, "Scale by alpha / sqrt(rank)");
  verb.add_option("--target", o.lora.targets,
                  "Modules that learn: names, their ends (q_proj) or regular expressions (repeatable)")
      ->delimiter(',');
  verb.add_option("--train", o.lora.whole, "Also learns, whole: norms, head, embeddings (repeatable)")
      ->delimiter(',')
      ->check(CLI::IsMember({"norms", "head", "embeddings"}));
  verb.add_option("--dropout", o.train.dropout, "Of what goes into the low-rank parts")
      ->capture_default_str();
  verb.add_option("--lora-plus", o.train.lora_plus, "B learns this many times as fast as A")
      ->capture_default_str();
}

}  // namespace

void add_finetune(CLI::App& app, Action& action) {
  auto flags = std::make_shared<FinetuneFlags>();
  flags->options.data.examples.max_length = 512;
  flags->options.train.batch.rows = 4;
  auto* verb = app.add_subcommand("finetune", "Train a low-rank adapter on a frozen packed or dense model");
  verb->footer(
      "Example: lqlora finetune examples/models/quill --data examples/texts/held_out.txt --rank 8 --seq-len "
      "128 "
      "--max-steps 20 -o quill-adapter");
  verb->add_option("MODEL", flags->options.model,
                   "Model directory: Hugging Face's, dense, or packed by lqlora")
      ->required();
  verb->add_option("-o,--out", flags->options.out,
                   "Directory of the adapter (with --full: of the model) to write")
      ->required();
  flags->data.add_to(*verb);
  verb->add_option(
          "--batching", flags->batching,
          "packed: as many examples in a row as fit, kept apart; grouped: like lengths together; plain")
      ->check(CLI::IsMember({"packed", "grouped", "plain"}))
      ->capture_default_str();
  verb->add_flag("--no-shuffle", flags->no_shuffle, "Examples in the order of the files");
  add_training_flags(*verb, *flags);
  add_lora_flags(*verb, *flags);
  verb->add_option("--compress-adapter", flags->compress,
                   "nf8: A and B end as what quantizing them to 8 bits leaves; the average bits are reported")
      ->check(CLI::IsMember({"nf8"}));
  auto* full =
      verb->add_flag("--full", flags->options.full,
                     "All parameters of a dense model learn, and OUT becomes a model, not an adapter");
  for (const char* low_rank : {"--adapter", "--init", "--freeze-lora", "--rank", "--alpha", "--rslora",
                               "--target", "--train", "--dropout", "--lora-plus", "--compress-adapter"}) {
    full->excludes(verb->get_option(low_rank));
  }
  verb->add_flag("--resume", flags->resume,
                 "Go on where an interrupted run of the same command was (as it does anyway), or begin");
  verb->add_flag("--overwrite", flags->options.overwrite,
                 "Discard what another finetune command left in the directory");
  verb->callback([flags, &action] { action = [flags](Session& session) { run(session, *flags); }; });
}

}  // namespace lq::cli
