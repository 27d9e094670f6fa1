#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/generate_flags.h"
#include "cli/model_flags.h"

namespace lq::cli {
namespace {

struct GenerateVerbFlags {
  ModelFlags model;
  GenerateFlags generate;
  std::string prompt;
};

void run(Session& session, const GenerateVerbFlags& f) {
  Context& context = session.context();
  const double start = monotonic_seconds();
  const Model model = f.model.load(context);
  const Folder& folder = model.checkpoint()->folder();
  const auto tokenizer = Tokenizer::load(folder);
  Generator generator(model, *tokenizer);
  const GenerateOptions options = f.generate.prepare(session, folder, generator, context.seed);
  const double loaded = monotonic_seconds();
  session.print(f.prompt);
  const GenerateResult r = generator.generate(context, f.prompt, options, [&](std::string_view text) {
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
  session.write_json({{"prompt", f.prompt},
                      {"text", r.text},
                      {"ids", r.ids},
                      {"stop", stop_reason_name(r.reason)},
                      {"prompt_tokens", r.prompt_tokens},
                      {"sampling", cli::to_json(options.sampler)},
                      {"decode_precision", options.precision == DecodePrecision::kFast ? "fast" : "fine"},
                      {"load_seconds", loaded - start},
                      {"prompt_seconds", r.prompt_seconds},
                      {"tokens_per_second", rate},
                      {"peak_rss_bytes", peak_rss_bytes()}});
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
  auto flags = std::make_shared<GenerateVerbFlags>();
  auto* verb = app.add_subcommand("generate", "Continue a text");
  verb->footer(
      "Example: lqlora generate examples/models/quill --prompt \"It was a cold evening\" --max-tokens 40");
  flags->model.add_to(*verb);
  verb->add_option("--prompt", flags->prompt, "Text to continue")->required();
  flags->generate.add_to(*verb);
  verb->callback([flags, &action] { action = [flags](Session& session) { run(session, *flags); }; });
}

}  // namespace lq::cli
