#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/plan_flags.h"
#include "jobs/sweep_job.h"

namespace lq::cli {
namespace {

struct SweepFlags {
  std::string model, out, method = "lq";
  RankFlags rank;
  std::int64_t check = 8;
  std::vector<std::string> include, exclude, configs;
  WeightsFlags weights;
  QuantizerFlags quantizer;
};

SweepJobOptions options_of(const SweepFlags& f) {
  SweepJobOptions o;
  o.model = f.model;
  o.out = f.out;
  o.plan.selection = {f.include, f.exclude};
  o.plan.decompose.method = parse_decompose_method(f.method);
  o.plan.ranks = f.rank.apply(o.plan.decompose);
  const MethodSettings settings =
      settle(method_choices(o.plan.decompose.method, false, f.weights, f.quantizer));
  o.plan.weights = settings.weights;
  o.plan.formats = settings.formats;
  o.plan.quantizer = settings.quantizer;
  o.plan.calibration = f.weights.source();
  o.plan.budget.configs = f.configs.empty() ? settings.formats.choices(ChoiceSet::kAll)
                                            : parse_choices(f.configs, settings.formats);
  o.check_cells = f.check;
  return o;
}

void run(Session& session, const SweepFlags& flags) {
  const SweepJobReport r = sweep_job(session.context(), options_of(flags));
  session.print(
      fmt::format("{} matrices x {} configurations, rank {}, weights {}, in {} ({}, peak memory {})\n",
                  r.matrices, r.configs, fmt::join(r.ranks, ", "), r.weights, flags.out,
                  human_seconds(r.seconds), human_bytes(static_cast<double>(r.peak_rss_bytes))));
  nlohmann::ordered_json json = {{"matrices", r.matrices}, {"configs", r.configs},
                                 {"rank", r.ranks[0]},     {"weights", r.weights},
                                 {"seconds", r.seconds},   {"peak_rss_bytes", r.peak_rss_bytes}};
  if (r.ranks.size() > 1) {
    json["rank"] = "auto";
    json["ranks"] = r.ranks;
  }
  if (r.checked > 0) {
    session.print(fmt::format("{} cells decomposed in full: largest deviation {:.2f} % ({}, {}, rank {})\n",
                              r.checked, 100.0 * r.largest_deviation, r.worst_matrix, r.worst_choice,
                              r.worst_rank));
    json["checked"] = r.checked;
    json["largest_deviation"] = r.largest_deviation;
  }
  session.write_json(json);
}

}  // namespace

void add_sweep(CLI::App& app, Action& action) {
  auto flags = std::make_shared<SweepFlags>();
  auto* verb = app.add_subcommand("sweep", "Error and storage of every matrix at every configuration");
  verb->footer(
      "Example: lqlora sweep examples/models/quill --rank 8 --configs 2,8,fp32,64,256 3,8,fp32,64,256 -o "
      "table.json");
  verb->add_option("MODEL", flags->model, "Hugging Face model directory")->required();
  verb->add_option("-o,--out", flags->out, "Error table to write (.json or .json.gz)")->required();
  flags->rank.add_to(*verb);
  verb->add_option("--method", flags->method, "lq, or qlora: quantization alone")
      ->check(CLI::IsMember({"lq", "qlora"}))
      ->capture_default_str();
  verb->add_option(
      "--configs", flags->configs,
      "lean (good ones: 66 of a codebook), all (432), or b,b0,b1,B0,B1 or int-row,B each; default: all");
  flags->quantizer.add_to(*verb);
  verb->add_option("--check", flags->check,
                   "Decompose this many cells in full and say how far the table is off")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb->add_option("--include", flags->include, "Only tensors that match this glob (repeatable)");
  verb->add_option("--exclude", flags->exclude, "Not tensors that match this glob (repeatable)");
  flags->weights.add_to(*verb);
  verb->callback([flags, &action] { action = [flags](Session& session) { run(session, *flags); }; });
}

}  // namespace lq::cli
