#include "data/conversation_text.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/printable.h"
#include "data/chat_message.h"

namespace lq {
namespace {

using namespace std::string_view_literals;

// What the caller of a template sets; a record that sets it too would be ambiguous.
constexpr std::array kReserved = {
    "messages"sv, "tools"sv,        "documents"sv, "add_generation_prompt"sv, "continue_final_message"sv,
    "tokenize"sv, "chat_template"sv};

// Private-use characters, which no template holds.
constexpr std::string_view kQuestion = "\uE0FAq\uE0FB", kAnswer = "\uE0FAa\uE0FB";

bool has_parts(const ChatJson& message) {
  const auto content = message.find("content");
  return content != message.end() && content->is_array();
}
bool has_text(const ChatJson& message) {
  const auto content = message.find("content");
  return content != message.end() && content->is_string();
}

ChatJson part_of(std::string_view text) {
  return ChatJson::array({ChatJson{{"type", "text"}, {"text", text}}});
}

// Whether the template writes both contents, and writes them as they are.
bool writes(const ChatTemplate& chat, ChatJson question, ChatJson answer) {
  const ChatJson messages =
      ChatJson::array({ChatJson{{"role", "user"}, {"content", std::move(question)}},
                       ChatJson{{"role", "assistant"}, {"content", std::move(answer)}}});
  try {
    const std::string text = chat.render(messages, {});
    const bool both = text.find(kQuestion) != std::string::npos && text.find(kAnswer) != std::string::npos;
    // A list that was printed as a list.
    return both && text.find("'type'") == std::string::npos && text.find("\"type\"") == std::string::npos;
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kInternal) throw;
    return false;
  }
}

}  // namespace

ConversationWriter::Forms ConversationWriter::forms_of_template() const {
  return {.text = writes(chat_, kQuestion, kAnswer),
          .parts = writes(chat_, part_of(kQuestion), part_of(kAnswer))};
}

void ConversationWriter::fit_content(ChatJson& messages, const std::string& place, DataReport& report) {
  if (!forms_) forms_ = forms_of_template();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    ChatJson& message = messages[i];
    if (has_parts(message) && !forms_->parts) {
      message["content"] = joined_content(message, fmt::format("{}: message {}", place, i));
      report.count(Finding::kPartsJoined, "", place);
    } else if (has_text(message) && !forms_->text && forms_->parts) {
      message["content"] = part_of(message["content"].get<std::string>());
      report.count(Finding::kTextAsPart, "", place);
    }
  }
}

bool ConversationWriter::changes(const std::string& text, const ChatJson& messages,
                                 const ChatOptions& options) const {
  try {
    return chat_.render(messages, options) != text;
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kInternal) throw;
    return true;  // the template wants it
  }
}

void ConversationWriter::count_unwritten(const std::string& text, const ChatJson& messages,
                                         const ChatOptions& options, const std::string& place,
                                         DataReport& report) {
  std::set<std::string> keys;
  for (const ChatJson& message : messages) {
    for (const auto& [key, value] : message.items()) {
      if (key != "role" && key != "content" && !value.is_null() && !written_.contains(key)) keys.insert(key);
    }
  }
  const auto without = [&](const std::set<std::string>& left_out) {
    ChatJson out = messages;
    for (ChatJson& message : out) {
      for (const std::string& key : left_out) message.erase(key);
    }
    return out;
  };
  // Most often none of them matters: one look at all together.
  if (!keys.empty() && changes(text, without(keys), options)) {
    for (const std::string& key : keys) {
      if (changes(text, without({key}), options)) written_.insert(key);
    }
  }
  for (const std::string& key : keys) {
    if (written_.contains(key)) continue;
    const auto count = std::ranges::count_if(messages, [&](const ChatJson& m) { return m.contains(key); });
    report.count(Finding::kKeyNotWritten, key, place, count);
  }
  const auto column = [&](const char* name, ChatJson ChatOptions::*list) {
    if (!(options.*list).is_array() || (options.*list).empty() || written_.contains(name)) return;
    ChatOptions bare = options;
    bare.*list = nullptr;
    if (changes(text, messages, bare)) {
      written_.insert(name);
    } else {
      report.count(Finding::kColumnNotWritten, name, place);
    }
  };
  column("tools", &ChatOptions::tools);
  column("documents", &ChatOptions::documents);
}

ConversationText ConversationWriter::write(Conversation conversation, const std::string& place,
                                           DataReport& report) {
  for (const auto& [name, value] : conversation.variables.items()) {
    LQ_CHECK(std::ranges::find(kReserved, name) == kReserved.end(), kCorruptFile,
             "{}: 'chat_template_kwargs' should not set '{}'", place, printable(name));
  }
  fit_content(conversation.messages, place, report);
  ChatOptions options;
  options.tools = std::move(conversation.tools);
  options.documents = std::move(conversation.documents);
  options.variables = std::move(conversation.variables);
  RenderedChat rendered;
  try {
    rendered = chat_.render_with_mask(conversation.messages, options);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kInvalidArgument && e.code() != ErrorCode::kUnsupported) throw;
    fail(ErrorCode::kCorruptFile, "{}: {}", place, e.what());
  }
  ConversationText out;
  const bool chosen = conversation.leaves_answers_out();
  for (const Span& span : rendered.trained) {
    const bool known = span.message != Span::kNoMessage;
    LQ_CHECK(known || !chosen, kCorruptFile,
             "{}: some answers are not to be trained, and the chat template does not tell which is which",
             place);
    const bool refused = known && !conversation.refused.empty() && conversation.refused.at(span.message) != 0;
    if (refused) out.refused.push_back({span.begin, span.end});
    if (known && conversation.trained.at(span.message) == 0) continue;
    if (span.empty_turn) {
      report.count(Finding::kEmptyTurn, "", place);
    } else {
      out.trained.push_back({span.begin, span.end});
    }
  }
  count_unwritten(rendered.text, conversation.messages, options, place, report);
  out.text = std::move(rendered.text);
  return out;
}

}  // namespace lq
