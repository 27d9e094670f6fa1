#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/app.h"
#include "cli/option_flags.h"
#include "cli/table.h"
#include "jobs/eval_job.h"

namespace lq::cli {
namespace {

using Scores = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

void print_text(Session& session, const EvalOptions& o, const Scores& s) {
  std::string line =
      fmt::format("perplexity {:.4f}  ({:.5f} nats a token, {:.5f} a byte", s["perplexity"].get<double>(),
                  s["nll_per_token"].get<double>(), s["nll_per_byte"].get<double>());
  if (s.contains("kl"))
    line += fmt::format("; KL to {} {:.6f} nats a token", o.reference.string(), s["kl"].get<double>());
  const double seconds = std::max(s["seconds"].get<double>(), 1e-9);
  line +=
      fmt::format(")\n{} tokens predicted in {} {}, {} tokens/s\n", s["tokens"].get<std::int64_t>(),
                  s["windows"].get<std::int64_t>(), s["convention"].get<std::string>(),
                  static_cast<std::int64_t>(static_cast<double>(s["tokens"].get<std::int64_t>()) / seconds));
  session.print(line);
}

// A row for each metric of a task, a group or a subject: its name, its documents, value and standard error.
void add_rows(const std::string& name, const Scores& scores, const std::string& shots, Rows& rows) {
  bool first = true;
  for (const auto& [key, value] : scores.items()) {
    if (!value.is_number_float() || key.ends_with("_stderr") || key == "seconds") continue;
    const auto error = scores.find(key + "_stderr");
    rows.push_back({first ? name : "", first ? shots : "",
                    first ? std::to_string(scores["documents"].get<std::int64_t>()) : "", key,
                    fmt::format("{:.4f}", value.get<double>()),
                    error == scores.end() ? "" : fmt::format("{:.4f}", error->get<double>())});
    first = false;
  }
}

void print_task(Session& session, const std::string& name, const Scores& s) {
  Rows rows;
  const std::string shots = std::to_string(s["shots"].get<int>());
  add_rows(name, s, shots, rows);
  if (s.contains("groups")) {
    for (const auto& [group, scores] : s["groups"].items()) add_rows("  " + group, scores, shots, rows);
  }
  std::string text = format_table({"task", "shots", "documents", "metric", "value", "stderr"}, rows, {0, 3});
  if (s["truncated"] > 0)
    text += fmt::format("{} contexts were longer than the model's and cut from the left\n",
                        s["truncated"].get<std::int64_t>());
  if (s.contains("convention")) text += s["convention"].get<std::string>() + "\n";
  session.print(text);
}

void run(Session& session, const EvalOptions& o) {
  session.use_device();
  session.write_json(eval_job(session.context(), o, [&](const std::string& name, const Scores& scores) {
    if (scores.contains("windows")) {
      print_text(session, o, scores);
    } else if (scores.contains("questions")) {
      session.print(fmt::format("{}: {} answers of {}\n", name, scores["questions"].get<std::int64_t>(),
                                scores["model_id"].get<std::string>()));
    } else {
      print_task(session, name, scores);
    }
  }));
}

}  // namespace

void add_eval(CLI::App& app, Action& action) {
  auto options = std::make_shared<EvalOptions>();
  auto* verb = app.add_subcommand("eval", "Measure a model");
  verb->footer(
      "Example: lqlora eval examples/models/quill --tasks perplexity --data examples/texts/held_out.txt");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback(
      [options, given, &action] { action = [options](Session& session) { run(session, *options); }; });
}

}  // namespace lq::cli
