#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "data/document_reader.h"
#include "eval/perplexity.h"
#include "eval/run_tasks.h"
#include "files/atomic_file.h"
#include "jobs/options/eval_options.h"

namespace lq::cli {
namespace {

nlohmann::ordered_json to_json(const PerplexityResult& r) {
  nlohmann::ordered_json json = {{"perplexity", r.perplexity},
                                 {"nll_per_token", r.nll_per_token},
                                 {"nll_per_byte", r.nll_per_byte},
                                 {"tokens", r.tokens},
                                 {"bytes", r.bytes},
                                 {"windows", r.windows},
                                 {"seq_len", r.seq_len},
                                 {"bos", r.bos},
                                 {"seconds", r.seconds}};
  if (r.kl) json["kl"] = *r.kl;
  return json;
}

nlohmann::ordered_json run_perplexity(Session& session, const EvalOptions& o, const Model& model,
                                      const Tokenizer& tokenizer, const Model* reference,
                                      DataReport& report) {
  Context& context = session.context();
  DocumentOptions documents;
  documents.field = o.text.field;
  documents.records.report = &report;
  const std::string text = joined_documents(o.data, documents);
  for (const std::string& line : report.lines()) session.note("data: " + line);
  PerplexityOptions options;
  options.seq_len = o.text.seq_len;
  options.reference = reference;
  const ModelMemory memory = model.memory_estimate(options.batch_tokens, false);
  session.note(fmt::format("eval: {} of text; needs about {} of memory, {} of it the model",
                           human_bytes(static_cast<double>(text.size())),
                           human_bytes(static_cast<double>(memory.total())),
                           human_bytes(static_cast<double>(memory.weights))));
  const PerplexityResult r = perplexity(context, model, tokenizer, text, options);
  std::string line = fmt::format("perplexity {:.4f}  ({:.5f} nats a token, {:.5f} a byte", r.perplexity,
                                 r.nll_per_token, r.nll_per_byte);
  if (r.kl) line += fmt::format("; KL to {} {:.6f} nats a token", o.reference.string(), *r.kl);
  line += fmt::format(")\n{} tokens predicted in {} windows of {} without overlap, {}, {} tokens/s\n",
                      r.tokens, r.windows, r.seq_len, r.bos ? "each starting with BOS" : "no BOS",
                      static_cast<std::int64_t>(static_cast<double>(r.tokens) / std::max(r.seconds, 1e-9)));
  session.print(line);
  return to_json(r);
}

// "arc_easy  0 shots, 100 documents: acc 0.5400 (0.0501), acc_norm 0.4900 (0.0502)".
std::string task_line(const std::string& name, const nlohmann::ordered_json& scores) {
  std::string line = fmt::format("{}  {} shots, {} documents: ", name, scores["shots"].get<int>(),
                                 scores["documents"].get<std::int64_t>());
  const char* separator = "";
  for (const auto& [key, value] : scores.items()) {
    if (!value.is_number_float() || key.ends_with("_stderr") || key == "seconds") continue;
    line += fmt::format("{}{} {:.4f}", separator, key, value.get<double>());
    const auto error = scores.find(key + "_stderr");
    if (error != scores.end()) line += fmt::format(" ({:.4f})", error->get<double>());
    separator = ", ";
  }
  if (scores["truncated"] > 0)
    line += fmt::format("; {} contexts cut", scores["truncated"].get<std::int64_t>());
  return line + "\n";
}

void run(Session& session, const EvalOptions& o) {
  Context& context = session.context();
  const Model model = o.model.load(context);
  const auto tokenizer = Tokenizer::load(model.checkpoint()->folder());
  std::unique_ptr<Model> reference;
  if (!o.reference.empty()) reference = std::make_unique<Model>(Model::load(context, o.reference));
  std::optional<AtomicFile> samples;
  if (!o.samples.empty()) samples.emplace(o.samples);
  nlohmann::ordered_json json;
  DataReport report;
  for (const std::string& name : o.tasks) {
    if (name == "perplexity") {
      json[name] = run_perplexity(session, o, model, *tokenizer, reference.get(), report);
      continue;
    }
    TaskOptions options;
    options.data = o.data;
    options.limit = o.limit;
    if (o.shots) options.shots = static_cast<int>(*o.shots);
    options.reference = reference.get();
    if (samples) {
      options.on_sample = [&](const nlohmann::ordered_json& line) {
        samples->write(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
      };
    }
    json[name] = run_task(context, model, *tokenizer, find_task(name), options);
    session.print(task_line(name, json[name]));
  }
  if (samples) samples->commit();
  if (!report.empty()) json["findings"] = report.to_json();
  session.write_json(json);
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
