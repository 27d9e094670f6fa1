#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "data/document_reader.h"
#include "eval/perplexity.h"
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

void run(Session& session, const EvalOptions& o) {
  Context& context = session.context();
  const Model model = o.model.load(context);
  const auto tokenizer = Tokenizer::load(model.checkpoint()->folder());
  DocumentOptions documents;
  documents.field = o.text.field;
  DataReport report;
  documents.records.report = &report;
  const std::string text = joined_documents(o.data, documents);
  for (const std::string& line : report.lines()) session.note("data: " + line);
  PerplexityOptions options;
  options.seq_len = o.text.seq_len;
  std::unique_ptr<Model> reference;
  if (!o.reference.empty()) {
    reference = std::make_unique<Model>(Model::load(context, o.reference));
    options.reference = reference.get();
  }
  const ModelMemory memory = model.memory_estimate(options.batch_tokens, false);
  session.note(fmt::format("eval: {} of text; needs about {} of memory, {} of it the model",
                           human_bytes(static_cast<double>(text.size())),
                           human_bytes(static_cast<double>(memory.total())),
                           human_bytes(static_cast<double>(memory.weights))));
  const PerplexityResult r = perplexity(context, model, *tokenizer, text, options);
  std::string line = fmt::format("perplexity {:.4f}  ({:.5f} nats a token, {:.5f} a byte", r.perplexity,
                                 r.nll_per_token, r.nll_per_byte);
  if (r.kl) line += fmt::format("; KL to {} {:.6f} nats a token", o.reference.string(), *r.kl);
  line += fmt::format(")\n{} tokens predicted in {} windows of {} without overlap, {}, {} tokens/s\n",
                      r.tokens, r.windows, r.seq_len, r.bos ? "each starting with BOS" : "no BOS",
                      static_cast<std::int64_t>(static_cast<double>(r.tokens) / std::max(r.seconds, 1e-9)));
  session.print(line);
  nlohmann::ordered_json json = {{"perplexity", to_json(r)}};
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
