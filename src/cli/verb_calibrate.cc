#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "calibrate/calibrate_options.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "jobs/calibrate_task.h"

namespace lq::cli {
namespace {

void run(Session& session, const CalibrateOptions& options) {
  session.use_device();
  const CalibrateReport r = calibrate_any(session.context(), options);
  std::string text = fmt::format("{} matrices over {} windows of {} tokens ({} more held out)",
                                 r.need.modules, r.need.sequences, r.need.seq_len, r.need.held_out);
  if (r.mean_loss > 0.0) text += fmt::format(", mean loss {:.5f} nats a token", r.mean_loss);
  text += fmt::format("\n{}: model {}{}", options.out.string(), r.model_hash,
                      r.already_done ? " (finished before; nothing was computed)"
                                     : fmt::format(", {}, peak memory {}", human_seconds(r.seconds),
                                                   human_bytes(static_cast<double>(r.peak_rss_bytes))));
  session.print(text + "\n");
  session.write_json({{"out", options.out.string()},
                      {"model_hash", r.model_hash},
                      {"matrices", r.need.modules},
                      {"sequences", r.need.sequences},
                      {"held_out_sequences", r.need.held_out},
                      {"seq_len", r.need.seq_len},
                      {"tokens", r.tokens},
                      {"mean_loss", r.mean_loss},
                      {"silent", r.silent},
                      {"already_done", r.already_done},
                      {"resumed_blocks", r.resumed_blocks},
                      {"seconds", r.seconds},
                      {"peak_rss_bytes", r.peak_rss_bytes}});
}

}  // namespace

void add_calibrate(CLI::App& app, Action& action) {
  auto options = std::make_shared<CalibrateOptions>();
  auto* verb = app.add_subcommand("calibrate", "Gather Fisher, input and output-gradient statistics");
  verb->footer(
      "Example: lqlora calibrate examples/models/quill --data examples/texts/held_out.txt --samples 64 "
      "-o quill.stats.safetensors\n"
      "Without a text: lqlora calibrate examples/models/quill --self 64 -o quill-self.stats.safetensors");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback(
      [options, given, &action] { action = [options](Session& session) { run(session, *options); }; });
}

}  // namespace lq::cli
