#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "cli/table.h"
#include "jobs/options/quantize_options.h"

namespace lq::cli {
namespace {

struct QuantizeWords {
  QuantizeOptions options = {};
  QuantizeChoices open = {};
};

std::string short_name(const std::string& name) {
  constexpr std::string_view kPrefix = "model.";
  constexpr std::string_view kSuffix = ".weight";
  std::string s = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
  if (s.ends_with(kSuffix)) s.resize(s.size() - kSuffix.size());
  return s;
}

void print_report(Session& session, const QuantizeReport& report, const std::filesystem::path& out) {
  std::vector<std::vector<std::string>> rows;
  for (const MatrixReport& m : report.matrices) {
    rows.push_back({short_name(m.name), fmt::format("{}x{}", m.rows, m.cols), m.choice,
                    std::to_string(m.rank), fmt::format("{:.4f}", m.relative_error),
                    std::to_string(m.iterations), fmt::format("{:.2f}", m.seconds)});
  }
  session.print(
      format_table({"matrix", "shape", "config", "rank", "error", "iterations", "seconds"}, rows, {0, 2}));
  session.print(fmt::format(
      "\n{} matrices, {:.3f} bits per weight ({:.3f} with the low-rank part), relative error {:.5f}\n"
      "{} in {}{}, peak memory {}\n",
      report.matrices.size(), report.bits_per_weight(), report.bits_per_weight_with_low_rank(),
      report.relative_error(), human_bytes(static_cast<double>(report.output_bytes)), out.string(),
      report.already_done ? " (finished before; nothing was computed)" : ", " + human_seconds(report.seconds),
      human_bytes(static_cast<double>(report.peak_rss_bytes))));
}

void run(Session& session, const QuantizeWords& words) {
  session.use_device();
  QuantizeOptions options = words.options;
  settle(options, words.open);
  const CheckpointPtr model = Checkpoint::open(options.model);
  const QuantizeNeed need = quantize_need(*model, options, session.context().pool.threads());
  session.note(fmt::format(
      "quantize: {} matrices, {:.1f} M weights; needs about {} of memory and {} of disk ({} when done)",
      need.matrices, static_cast<double>(need.weights) / 1e6,
      human_bytes(static_cast<double>(need.memory_bytes)), human_bytes(static_cast<double>(need.disk_bytes)),
      human_bytes(static_cast<double>(need.output_bytes))));
  const QuantizeReport report = quantize_model(session.context(), model, options);
  print_report(session, report, options.out);
  session.write_json(to_json(report));
}

}  // namespace

void add_quantize(CLI::App& app, Action& action) {
  auto words = std::make_shared<QuantizeWords>();
  auto* verb =
      app.add_subcommand("quantize", "Split every linear of a model into packed Q plus low-rank L1 L2");
  verb->footer(
      "Example: lqlora quantize examples/models/quill --nf 3 --rank 8 -o quill-nf3\n"
      "By the model's own samples: lqlora quantize examples/models/quill --nf 3 --rank 0 --self 64 -o "
      "quill-nf3-self");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, words->options, words->open); });
  verb->callback([words, given, &action] { action = [words](Session& session) { run(session, *words); }; });
}

}  // namespace lq::cli
