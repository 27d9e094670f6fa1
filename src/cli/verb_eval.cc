#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/model_flags.h"
#include "data/document_reader.h"
#include "eval/perplexity.h"

namespace lq::cli {
namespace {

struct EvalFlags {
  ModelFlags model;
  std::vector<std::string> tasks;
  std::string data, field = "text", reference;
  std::int64_t seq_len = 512;
};

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

void run(Session& session, const EvalFlags& f) {
  Context& context = session.context();
  const Model model = f.model.load(context);
  const auto tokenizer = Tokenizer::load(model.checkpoint()->folder());
  DocumentOptions documents;
  documents.field = f.field;
  DataReport report;
  documents.records.report = &report;
  const std::string text = joined_documents(f.data, documents);
  for (const std::string& line : report.lines()) session.note("data: " + line);
  PerplexityOptions options;
  options.seq_len = f.seq_len;
  std::unique_ptr<Model> reference;
  if (!f.reference.empty()) {
    reference = std::make_unique<Model>(Model::load(context, f.reference));
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
  if (r.kl) line += fmt::format("; KL to {} {:.6f} nats a token", f.reference, *r.kl);
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
  auto flags = std::make_shared<EvalFlags>();
  auto* verb = app.add_subcommand("eval", "Measure a model");
  verb->footer(
      "Example: lqlora eval examples/models/quill --tasks perplexity --data examples/texts/held_out.txt");
  flags->model.add_to(*verb);
  verb->add_option("--tasks", flags->tasks, "What to measure: perplexity")
      ->required()
      ->delimiter(',')
      ->check(CLI::IsMember({"perplexity"}));
  verb->add_option("--data", flags->data,
                   "Text: .txt, .jsonl, .json, .csv, .tsv (also .gz), or a folder of those")
      ->required();
  verb->add_option("--field", flags->field, "Field of a record that holds its text")->capture_default_str();
  verb->add_option("--seq-len", flags->seq_len, "Tokens of a window")
      ->check(CLI::Range(2, 1 << 24))
      ->capture_default_str();
  verb->add_option("--reference", flags->reference,
                   "Also the KL divergence from this model's predictions, such as the dense one");
  verb->callback([flags, &action] { action = [flags](Session& session) { run(session, *flags); }; });
}

}  // namespace lq::cli
