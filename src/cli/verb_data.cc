#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/app.h"
#include "cli/option_flags.h"
#include "formats/model_folder.h"
#include "jobs/options/tool_options.h"
#include "tokenizers/tokenizer.h"

namespace lq::cli {
namespace {

// The text of an example, runs of tokens that count for the loss between `on` and `off`.
std::string marked_text(const Tokenizer& tokenizer, const EncodedExample& e, std::string_view on,
                        std::string_view off) {
  std::string text;
  for (std::size_t begin = 0; begin < e.ids.size();) {
    // The first token has nothing before it: it is never predicted.
    const bool counts = begin > 0 && e.in_loss[begin] != 0;
    std::size_t end = begin + 1;
    while (end < e.ids.size() && (e.in_loss[end] != 0) == counts) ++end;
    const std::string part = tokenizer.decode(std::span(e.ids).subspan(begin, end - begin), false);
    text += counts ? fmt::format("{}{}{}", on, part, off) : part;
    begin = end;
  }
  return text;
}

void preview(Session& session, const PreviewOptions& flags) {
  TrainingDataOptions options = flags.data;
  options.examples.records.on_bad = [&](const std::string& error) { session.note("skipped: " + error); };
  options.examples.seed = session.context().seed;
  const Folder model = model_folder(flags.model);
  const auto tokenizer = Tokenizer::load(model);
  const ExampleSet set = read_training_data(options, model, *tokenizer, session.context().progress);

  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  const std::string_view on = terminal ? "\x1b[1;32m" : "[[";
  const std::string_view off = terminal ? "\x1b[0m" : "]]";
  nlohmann::ordered_json shown = nlohmann::ordered_json::array();
  for (std::int64_t i = 0; i < std::min<std::int64_t>(flags.count, std::ssize(set.train)); ++i) {
    const EncodedExample& e = set.train[static_cast<std::size_t>(i)];
    session.print(fmt::format("--- example {}: {} tokens, {} count\n{}\n", i + 1, e.ids.size(),
                              e.trained_tokens(), marked_text(*tokenizer, e, on, off)));
    shown.push_back({{"ids", e.ids}, {"in_loss", e.in_loss}});
  }
  session.print(fmt::format(
      "--- {} examples to train on, {} for validation; {} tokens, {} of them count (shown {})\n"
      "    {} records skipped as bad, {} examples cut to {} tokens, {} left out\n",
      set.train.size(), set.validation.size(), set.tokens, set.trained_tokens,
      terminal ? "in green" : "in [[ ]]", set.bad, set.truncated, options.examples.max_length, set.dropped));
  session.write_json({{"examples", set.train.size()},
                      {"validation_examples", set.validation.size()},
                      {"tokens", set.tokens},
                      {"trained_tokens", set.trained_tokens},
                      {"bad_records", set.bad},
                      {"truncated", set.truncated},
                      {"dropped", set.dropped},
                      {"findings", set.report.to_json()},
                      {"shown", std::move(shown)}});
}

}  // namespace

void add_data(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("data", "Look at training data");
  verb->require_subcommand(1);
  auto options = std::make_shared<PreviewOptions>();
  auto* show =
      verb->add_subcommand("preview", "Show what the model will see, and which tokens count for the loss");
  show->footer(
      "Example: lqlora data preview examples/models/quill --data examples/texts/held_out.txt --seq-len 64 "
      "--count 2");
  auto given = add_options(*show, [&](OptionVisitor& v) { describe(v, *options); });
  show->callback(
      [options, given, &action] { action = [options](Session& session) { preview(session, *options); }; });
}

}  // namespace lq::cli
