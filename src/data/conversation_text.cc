#include "data/conversation_text.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/printable.h"
#include "data/chat_message.h"
#include "templates/jinja_text.h"

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
    const std::string where = fmt::format("{}: message {}", place, i);
    if (has_parts(message) && !forms_->parts) {
      message["content"] = joined_content(message, where);
      report.count(Finding::kPartsJoined, "", place);
    } else if (has_parts(message)) {
      if (complete_parts(message["content"], where)) report.count(Finding::kTextAsPart, "", place);
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

bool ConversationWriter::drops_content(const std::string& text, const ChatJson& messages, std::size_t number,
                                       const ChatOptions& options) const {
  const auto content = messages[number].find("content");
  if (content == messages[number].end()) return false;
  const auto drops = [&](const ChatJson& said, const auto& erase) {
    // Most often it stands there as it is, perhaps without the space around it.
    const std::string words = jinja::strip(said.get_ref<const std::string&>(), true, true, {});
    if (words.empty() || text.find(words) != std::string::npos) return false;
    ChatJson without = messages;
    erase(without[number]["content"]);
    return !changes(text, without, options);
  };
  if (content->is_string()) return drops(*content, [](ChatJson& said) { said = ""; });
  for (std::size_t i = 0; content->is_array() && i < content->size(); ++i) {
    const ChatJson& part = (*content)[i];
    const bool has_text = part.is_object() && part.contains("text") && part["text"].is_string();
    if (has_text && drops(part["text"], [&](ChatJson& said) { said[i]["text"] = ""; })) return true;
    if (has_text) continue;
    ChatJson without = messages;
    without[number]["content"].erase(i);
    if (!changes(text, without, options)) return true;
  }
  return false;
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
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (drops_content(text, messages, i, options)) {
      report.count(Finding::kContentNotWritten, messages[i]["role"].get<std::string>(), place);
    }
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
    if (what_ == Trained::kAll && std::ranges::find(conversation.refused, 1) == conversation.refused.end()) {
      rendered.text = chat_.render(conversation.messages, options);
    } else {
      rendered = chat_.render_with_mask(conversation.messages, options);
    }
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kInvalidArgument && e.code() != ErrorCode::kUnsupported) throw;
    fail(ErrorCode::kCorruptFile, "{}: {}", place, e.what());
  }
  ConversationText out;
  const bool chosen = conversation.leaves_answers_out();
  std::size_t empty = Span::kNoMessage;  // the answer that was counted last: it may have several spans
  for (const Span& span : rendered.trained) {
    const bool known = span.message != Span::kNoMessage;
    LQ_CHECK(known || !chosen, kCorruptFile,
             "{}: some answers are not to be trained, and the chat template does not tell which is which",
             place);
    const bool refused = known && !conversation.refused.empty() && conversation.refused.at(span.message) != 0;
    if (refused) out.refused.push_back({span.begin, span.end});
    if (known && conversation.trained.at(span.message) == 0) continue;
    if (span.empty_turn && what_ == Trained::kAnswers) {
      if (!known || span.message != empty) report.count(Finding::kEmptyTurn, "", place);
      empty = span.message;
    } else {
      out.trained.push_back({span.begin, span.end});
    }
  }
  count_unwritten(rendered.text, conversation.messages, options, place, report);
  out.text = std::move(rendered.text);
  return out;
}

}  // namespace lq
