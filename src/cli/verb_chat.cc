#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/app.h"
#include "cli/option_flags.h"
#include "cli/prepare_text.h"
#include "templates/chat_template.h"

namespace lq::cli {
namespace {

void run(Session& session, const ConversationOptions& o) {
  session.use_device();
  Model model = o.model.load(session.context());
  Context context = place_for_text(session, model, o.generate.precision, "chat");
  const Folder& folder = model.checkpoint()->folder();
  const auto tokenizer = Tokenizer::load(folder);
  const ChatTemplate chat =
      o.format.empty() ? ChatTemplate::of_model(folder) : ChatTemplate::by_name(o.format, *tokenizer);
  Generator generator(model, *tokenizer);
  GenerateOptions options = prepare_text(session, o, folder);
  if (!chat.end_of_turn().empty()) {
    if (const auto id = tokenizer->id_of(chat.end_of_turn())) {
      generator.add_eos(*id);
    } else {
      options.stop.push_back(chat.end_of_turn());
    }
  }
  std::vector<ChatMessage> messages;
  if (!o.system.empty()) messages.push_back({"system", o.system});
  session.note(fmt::format("chat: format {}; an empty line or the end of input ends it", chat.name()));
  nlohmann::ordered_json turns = nlohmann::ordered_json::array();
  std::int64_t too_long = 0;  // tokens of a conversation that the model's context has no room for
  std::string line;
  for (;;) {
    session.print("> ");
    if (!std::getline(std::cin, line)) break;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || context.stop.requested()) break;
    messages.push_back({"user", line});
    const auto ids =
        tokenizer->encode(chat.render(messages, true),
                          EncodeOptions{.add_special = false, .special_text = SpecialText::kParse});
    if (std::ssize(ids) >= model.spec().max_positions) {
      too_long = std::ssize(ids);
      break;
    }
    const GenerateResult r = generator.generate(context, ids, options, [&](std::string_view text) {
      session.print(std::string(text));
      return !context.stop.requested();
    });
    session.print("\n");
    messages.push_back({"assistant", r.text});
    turns.push_back({{"user", line}, {"assistant", r.text}, {"stop", stop_reason_name(r.reason)}});
  }
  session.write_json({{"format", chat.name()}, {"turns", turns}});
  LQ_CHECK(
      too_long == 0, kInvalidArgument,
      "the conversation has {} tokens with the last line, which leaves no room in a context of {}: it ends "
      "after {} turns",
      too_long, model.spec().max_positions, turns.size());
}

}  // namespace

void add_chat(CLI::App& app, Action& action) {
  auto options = std::make_shared<ConversationOptions>();
  auto* verb = app.add_subcommand("chat", "Talk with a model, a line at a time");
  verb->footer(
      "Example: echo \"Who are you?\" | lqlora chat examples/models/quill --format vicuna --max-tokens 20");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback(
      [options, given, &action] { action = [options](Session& session) { run(session, *options); }; });
}

}  // namespace lq::cli
