#include "data/conversation.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/printable.h"
#include "data/chat_message.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;

bool is_system(const Json& message) { return message["role"] == "system"; }

// A system message that says nothing, and holds nothing else.
bool is_empty_system(const Json& message) {
  if (!is_system(message) || message.size() != 2 || !message.contains("content")) return false;
  const Json& content = message["content"];
  return content.is_string() ? content.get_ref<const std::string&>().empty() : content.empty();
}

class Builder {
 public:
  Builder(const RecordFields& fields, Trained what, DataReport& report)
      : fields_(fields), what_(what), report_(report) {}

  // refused: its own flag says that it is not trained.
  void add(Json message, bool trained, bool refused = false) {
    if (is_empty_system(message)) {
      report_.count(Finding::kEmptySystem, "", fields_.place());
      return;
    }
    const bool answers = message["role"] == "assistant";
    answered_ = answered_ || answers;
    if (answers && is_empty_message(message)) {
      if (trained && what_ == Trained::kAnswers) report_.count(Finding::kEmptyTurn, "", fields_.place());
      trained = false;
    }
    out_.trained.push_back(answers && trained ? 1 : 0);
    out_.refused.push_back(answers && refused ? 1 : 0);
    out_.messages.push_back(std::move(message));
  }
  void say(const char* role, const std::string& text) { add({{"role", role}, {"content", text}}, true); }

  void add_list(const std::string& field, bool trained) {
    const Json list = fields_.value_or_null(field);
    LQ_CHECK(list.is_array(), kCorruptFile, "{}: '{}' should be a list, is {}", fields_.place(),
             fields_.name(field), fields_.get(field).type_name());
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string where = fmt::format("{}: {}[{}]", fields_.place(), fields_.name(field), i);
      ChatDataMessage message = read_chat_message(list[i], where, report_, fields_.place());
      add(std::move(message.mapping), trained && message.trained, !message.trained);
    }
  }

  // The field `system`, in front.
  void add_system() {
    const std::string system = fields_.text_or("system");
    if (system.empty()) {
      if (fields_.has("system")) report_.count(Finding::kEmptySystem, "", fields_.place());
      return;
    }
    if (!out_.messages.empty() && is_system(out_.messages.front())) {
      if (out_.messages.front()["content"] != system) {
        report_.count(Finding::kSystemTwice, fields_.name("system"), fields_.place());
      }
      return;
    }
    out_.messages.insert(out_.messages.begin(), Json{{"role", "system"}, {"content", system}});
    out_.trained.insert(out_.trained.begin(), 0);
    out_.refused.insert(out_.refused.begin(), 0);
  }

  // Those before do not count.
  void expect_answer() { answered_ = false; }

  Conversation finish() {
    const bool enough = what_ == Trained::kAll ? !out_.messages.empty() : answered_;
    LQ_CHECK(enough, kCorruptFile, "{}: a conversation of {} messages without an answer{}", fields_.place(),
             out_.messages.size(), roles());
    out_.tools = list_of("tools");
    out_.documents = list_of("documents");
    if (const Json more = fields_.value_or_null("chat_template_kwargs"); !more.is_null()) {
      LQ_CHECK(more.is_object(), kCorruptFile, "{}: '{}' should be an object, is {}", fields_.place(),
               fields_.name("chat_template_kwargs"), more.type_name());
      out_.variables = more;
    }
    return std::move(out_);
  }

 private:
  // Who speaks, where it is not the assistant.
  std::string roles() const {
    std::vector<std::string> roles;
    for (const Json& message : out_.messages) {
      const std::string role = printable(message["role"].get<std::string>());
      if (std::ranges::find(roles, role) == roles.end()) roles.push_back(role);
    }
    return roles.empty() ? "" : fmt::format(" ('assistant' says them; there is {})", fmt::join(roles, ", "));
  }

  // A list of mappings, or one mapping.
  Json list_of(const std::string& field) {
    Json value = fields_.value_or_null(field);
    if (value.is_object()) value = Json::array({std::move(value)});
    const bool good =
        value.is_null() ||
        (value.is_array() && std::ranges::all_of(value, [](const Json& v) { return v.is_object(); }));
    LQ_CHECK(good, kCorruptFile, "{}: '{}' should be a list of objects", fields_.place(),
             fields_.name(field));
    return value;
  }

  const RecordFields& fields_;
  Trained what_;
  DataReport& report_;
  Conversation out_;
  bool answered_ = false;
};

}  // namespace

bool Conversation::leaves_answers_out() const {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i]["role"] == "assistant" && trained[i] == 0 && !is_empty_message(messages[i])) return true;
  }
  return false;
}

Conversation conversation_of_messages(const RecordFields& fields, const std::string& field, Trained what,
                                      DataReport& report) {
  Builder builder(fields, what, report);
  builder.add_list(field, true);
  builder.add_system();
  return builder.finish();
}

Conversation conversation_of_completion(const RecordFields& fields, Trained what, DataReport& report) {
  Builder builder(fields, what, report);
  builder.add_list("prompt", false);
  builder.expect_answer();  // a prompt may hold answers; the completion must
  builder.add_list("completion", true);
  builder.add_system();
  return builder.finish();
}

Conversation conversation_of_instruction(const RecordFields& fields, const std::string& between, Trained what,
                                         DataReport& report) {
  Builder builder(fields, what, report);
  const std::string input = fields.text_or("input");
  std::string question = fields.text("instruction");
  if (!input.empty()) question += (question.empty() ? "" : between) + input;
  if (const Json history = fields.value_or_null("history"); !history.is_null()) {
    LQ_CHECK(history.is_array(), kCorruptFile, "{}: '{}' should be a list of pairs, is {}", fields.place(),
             fields.name("history"), history.type_name());
    for (std::size_t i = 0; i < history.size(); ++i) {
      const Json& pair = history[i];
      LQ_CHECK(pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string(),
               kCorruptFile, "{}: {}[{}] should be a pair of strings, a question and its answer",
               fields.place(), fields.name("history"), i);
      builder.say("user", pair[0].get<std::string>());
      builder.say("assistant", pair[1].get<std::string>());
    }
  }
  builder.say("user", question);
  builder.say("assistant", fields.text("output"));
  builder.add_system();
  return builder.finish();
}

}  // namespace lq
