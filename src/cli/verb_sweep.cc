#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "jobs/options/sweep_options.h"

namespace lq::cli {
namespace {

struct SweepWords {
  SweepJobOptions options = sweep_defaults();
  PlanChoices open = {};
};

void run(Session& session, const SweepWords& words) {
  session.use_device();
  SweepJobOptions options = words.options;
  settle(options, words.open);
  const SweepJobReport r = sweep_job(session.context(), options);
  session.print(
      fmt::format("{} matrices x {} configurations, rank {}, importance {}, in {} ({}, peak memory {})\n",
                  r.matrices, r.configs, fmt::join(r.ranks, ", "), r.weights, options.out.string(),
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
  auto words = std::make_shared<SweepWords>();
  auto* verb = app.add_subcommand("sweep", "Error and storage of every matrix at every configuration");
  verb->footer(
      "Example: lqlora sweep examples/models/quill --rank 8 --configs 2,8,fp32,64,256 3,8,fp32,64,256 -o "
      "table.json");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, words->options, words->open); });
  verb->callback([words, given, &action] { action = [words](Session& session) { run(session, *words); }; });
}

}  // namespace lq::cli
