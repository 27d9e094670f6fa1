#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "calibrate/calibrate.h"
#include "cli/app.h"

namespace lq::cli {
namespace {

struct CalibrateFlags {
  std::string model, out, field = "text";
  std::vector<std::string> data, only;
  std::int64_t samples = 256, seq_len = 0;
  double hold_out = 0.125;
  bool full_fisher = false;
};

CalibrateOptions options_of(const CalibrateFlags& f) {
  CalibrateOptions o;
  o.model = f.model;
  o.data.assign(f.data.begin(), f.data.end());
  o.field = f.field;
  o.out = f.out;
  o.samples = f.samples;
  o.seq_len = f.seq_len;
  o.hold_out = f.hold_out;
  o.full_fisher = f.full_fisher;
  if (!f.only.empty()) {
    const auto named = [&](const char* what) { return std::ranges::find(f.only, what) != f.only.end(); };
    o.fisher = named("fisher");
    o.input_moment = named("input");
    o.output_grad_moment = named("grad");
  }
  return o;
}

void run(Session& session, const CalibrateFlags& flags) {
  const CalibrateReport r = calibrate(session.context(), options_of(flags));
  std::string text = fmt::format("{} matrices over {} windows of {} tokens ({} more held out)",
                                 r.need.modules, r.need.sequences, r.need.seq_len, r.need.held_out);
  if (r.mean_loss > 0.0) text += fmt::format(", mean loss {:.5f} nats a token", r.mean_loss);
  text += fmt::format("\n{}: model {}{}", flags.out, r.model_hash,
                      r.already_done ? " (finished before; nothing was computed)"
                                     : fmt::format(", {}, peak memory {}", human_seconds(r.seconds),
                                                   human_bytes(static_cast<double>(r.peak_rss_bytes))));
  session.print(text + "\n");
  session.write_json({{"out", flags.out},
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
  auto flags = std::make_shared<CalibrateFlags>();
  auto* verb = app.add_subcommand("calibrate", "Gather Fisher, input and output-gradient statistics");
  verb->footer(
      "Example: lqlora calibrate examples/models/quill --data examples/texts/held_out.txt --samples 64 "
      "-o quill.stats.safetensors");
  verb->add_option("MODEL", flags->model, "Model directory; an adapter beside a packed model is not used")
      ->required();
  verb->add_option("--data", flags->data,
                   "Text: .txt, .jsonl, .json, .csv, .tsv (also .gz), or a folder of those (repeatable)")
      ->required();
  verb->add_option("-o,--out", flags->out, "Statistics file to write (safetensors)")->required();
  verb->add_option("--field", flags->field, "Field of a record that holds its text")->capture_default_str();
  verb->add_option("--samples", flags->samples, "Windows of text, spread evenly over it")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 31))
      ->capture_default_str();
  verb->add_option("--seq-len", flags->seq_len, "Tokens of a window; default: 512, or the model's context")
      ->check(CLI::Range(2, 1 << 24));
  verb->add_option("--hold-out", flags->hold_out,
                   "Share of the windows kept apart, to choose between methods by their input moments")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  verb->add_flag("--full-fisher", flags->full_fisher,
                 "Also the whole Fisher, as large as the weights in f32 (for comparisons)");
  verb->add_option("--only", flags->only, "Gather only these: fisher, input, grad (repeatable)")
      ->delimiter(',')
      ->check(CLI::IsMember({"fisher", "input", "grad"}));
  verb->callback([flags, &action] { action = [flags](Session& session) { run(session, *flags); }; });
}

}  // namespace lq::cli
