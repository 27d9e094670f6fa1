#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "jobs/finetune_task.h"
#include "train/finetune_options.h"

namespace lq::cli {
namespace {

void print_report(const Session& session, const FinetuneReport& r, std::string_view what,
                  const std::filesystem::path& out) {
  const TrainState& s = r.training.state;
  std::string text = fmt::format("{} of {} steps{}, loss {:.5f}", s.step, r.training.total_steps,
                                 r.training.stopped_early ? " (stopped early)" : "", s.loss);
  if (s.bad_streak > 0) text += fmt::format(" (the last {} steps were left out)", s.bad_streak);
  if (s.validation_loss) {
    text += fmt::format("\nvalidation: {} {:.5f} -> {:.5f}",
                        r.reference.empty() ? "loss" : "divergence from the reference",
                        s.first_validation_loss.value_or(NAN), *s.validation_loss);
    if (r.task.is_null() && r.reference.empty()) {
      text += fmt::format(" (perplexity {:.4f} -> {:.4f})", std::exp(s.first_validation_loss.value_or(NAN)),
                          std::exp(*s.validation_loss));
    }
    if (s.best_loss) text += fmt::format(", best {:.5f} after step {}", *s.best_loss, s.best_step);
  }
  for (const auto& [name, scores] : r.task.items()) {
    if (!scores.is_object()) continue;
    text += fmt::format("\n{}, {}:", r.task.at("task").get<std::string>(), name);
    for (const auto& [metric, value] : scores.items())
      text += fmt::format(" {} {:.4f}", metric, value.get<double>());
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

void run(Session& session, const FinetuneOptions& described) {
  session.use_device();
  FinetuneOptions options = described;
  options.data.examples.records.on_bad = [&](const std::string& error) { session.note("skipped: " + error); };
  const FinetuneReport report = finetune_any(session.context(), options);
  if (report.bad + report.truncated + report.dropped > 0) {
    session.note(
        fmt::format("data: {} records skipped as bad, {} examples cut to {} tokens, {} left out (too long, "
                    "or nothing counts)",
                    report.bad, report.truncated, options.data.examples.max_length, report.dropped));
  }
  print_report(session, report, options.full ? "model" : "adapter", options.out);
  session.write_json(to_json(report));
}

}  // namespace

void add_finetune(CLI::App& app, Action& action) {
  auto options = std::make_shared<FinetuneOptions>(finetune_defaults());
  auto* verb = app.add_subcommand("finetune", "Train a low-rank adapter on a frozen packed or dense model");
  verb->footer(
      "Example: lqlora finetune examples/models/quill --data examples/texts/held_out.txt --rank 8 --seq-len "
      "128 --max-steps 20 -o quill-adapter");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback(
      [options, given, &action] { action = [options](Session& session) { run(session, *options); }; });
}

}  // namespace lq::cli
