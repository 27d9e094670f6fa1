#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "cli/prepare_text.h"

namespace lq::cli {
namespace {

void run(Session& session, const PromptOptions& o) {
  session.use_device();
  const double start = monotonic_seconds();
  Model model = o.model.load(session.context());
  Context context = place_for_text(session, model, o.generate.precision, "generate");
  const Folder& folder = model.checkpoint()->folder();
  const auto tokenizer = Tokenizer::load(folder);
  Generator generator(model, *tokenizer);
  const GenerateOptions options = prepare_text(session, o, folder);
  const double loaded = monotonic_seconds();
  session.print(o.prompt);
  const GenerateResult r = generator.generate(context, o.prompt, options, [&](std::string_view text) {
    session.print(std::string(text));
    return !context.stop.requested();
  });
  session.print("\n");
  const auto decoded = static_cast<double>(r.ids.empty() ? 0 : r.ids.size() - 1);
  const double rate = r.decode_seconds > 0.0 ? decoded / r.decode_seconds : 0.0;
  session.note(
      fmt::format("generate: loaded in {}, {} prompt tokens in {}, {} new ones at {:.1f} tokens/s ({})",
                  human_seconds(loaded - start), r.prompt_tokens, human_seconds(r.prompt_seconds),
                  r.ids.size(), rate, stop_reason_name(r.reason)));
  session.write_json({{"prompt", o.prompt},
                      {"text", r.text},
                      {"ids", r.ids},
                      {"stop", stop_reason_name(r.reason)},
                      {"prompt_tokens", r.prompt_tokens},
                      {"sampling", cli::to_json(options.sampler)},
                      {"decode_precision", enum_name(kDecodePrecisionNames, options.precision)},
                      {"load_seconds", loaded - start},
                      {"prompt_seconds", r.prompt_seconds},
                      {"tokens_per_second", rate},
                      {"peak_rss_bytes", peak_rss_bytes()}});
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
  auto options = std::make_shared<PromptOptions>();
  auto* verb = app.add_subcommand("generate", "Continue a text");
  verb->footer(
      "Example: lqlora generate examples/models/quill --prompt \"It was a cold evening\" --max-tokens 40");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback(
      [options, given, &action] { action = [options](Session& session) { run(session, *options); }; });
}

}  // namespace lq::cli
