#include "data/example.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;

class Fields {
 public:
  Fields(const Json& record, const ExampleFormat& format, const std::string& place)
      : record_(record), format_(format), place_(place) {}

  std::string name(const std::string& field) const {
    const auto it = format_.fields.find(field);
    return it == format_.fields.end() ? field : it->second;
  }
  bool has(const std::string& field) const {
    const auto it = record_.find(name(field));
    return it != record_.end() && !it->is_null();
  }
  const Json& get(const std::string& field) const {
    LQ_CHECK(has(field), kCorruptFile, "{}: '{}' is missing", place_, name(field));
    return record_[name(field)];
  }
  std::string text(const std::string& field) const {
    const Json& value = get(field);
    LQ_CHECK(value.is_string(), kCorruptFile, "{}: '{}' should be a string, is {}", place_, name(field),
             value.type_name());
    return value.get<std::string>();
  }
  std::string text_or(const std::string& field) const { return has(field) ? text(field) : std::string(); }

 private:
  const Json& record_;
  const ExampleFormat& format_;
  const std::string& place_;
};

std::string field_of(const Json& object, const char* key, const std::string& where) {
  LQ_CHECK(object.is_object() && object.contains(key) && object[key].is_string(), kCorruptFile,
           "{}: should be an object with a string '{}'", where, key);
  return object[key].get<std::string>();
}

// ShareGPT's names of speakers.
std::string role_of(const std::string& from, const std::string& where) {
  if (from == "human" || from == "user") return "user";
  if (from == "gpt" || from == "assistant" || from == "chatgpt" || from == "bot" || from == "model")
    return "assistant";
  if (from == "system") return "system";
  fail(ErrorCode::kCorruptFile, "{}: unknown speaker '{}' (human, gpt, system)", where, from);
}

std::vector<ChatMessage> read_messages(const Fields& fields, bool share_gpt, const std::string& place) {
  std::vector<ChatMessage> messages;
  const std::string field = share_gpt ? "conversations" : "messages";
  const Json& list = fields.get(field);
  LQ_CHECK(list.is_array(), kCorruptFile, "{}: '{}' should be a list, is {}", place, fields.name(field),
           list.type_name());
  if (share_gpt && fields.has("system")) messages.push_back({"system", fields.text("system")});
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string where = fmt::format("{}: {}[{}]", place, fields.name(field), i);
    if (share_gpt) {
      messages.push_back(
          {role_of(field_of(list[i], "from", where), where), field_of(list[i], "value", where)});
    } else {
      messages.push_back({field_of(list[i], "role", where), field_of(list[i], "content", where)});
    }
  }
  return messages;
}

Example by_template(const ChatTemplate& chat, const std::vector<ChatMessage>& messages,
                    const std::string& place) {
  const bool answered =
      std::any_of(messages.begin(), messages.end(), [](const auto& m) { return m.role == "assistant"; });
  LQ_CHECK(answered, kCorruptFile, "{}: a conversation of {} messages without an answer", place,
           messages.size());
  try {
    return {chat.segments(messages), true};
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kInvalidArgument) throw;
    fail(ErrorCode::kCorruptFile, "{}: {}", place, e.what());
  }
}

Example instruction(const Fields& fields, const ExampleFormat& format, const std::string& place) {
  std::vector<ChatMessage> messages;
  if (fields.has("system")) messages.push_back({"system", fields.text("system")});
  const std::string input = fields.text_or("input");
  const bool alpaca = format.chat == nullptr || format.chat->name() == "alpaca";
  std::string question = fields.text("instruction");
  if (!input.empty()) question += (alpaca ? "\n\n### Input:\n" : "\n\n") + input;
  messages.push_back({"user", question});
  messages.push_back({"assistant", fields.text("output")});
  if (format.chat != nullptr) return by_template(*format.chat, messages, place);
  return by_template(ChatTemplate::by_name("alpaca", format.bos, format.eos), messages, place);
}

}  // namespace

RecordFormat detect_format(const Json& record, const ExampleFormat& format, const std::string& place) {
  LQ_CHECK(record.is_object(), kCorruptFile, "{}: should be an object, is {}", place, record.type_name());
  const Fields fields(record, format, place);
  if (fields.has("messages")) return RecordFormat::kMessages;
  if (fields.has("conversations")) return RecordFormat::kConversations;
  if (fields.has("instruction")) return RecordFormat::kInstruction;
  if (fields.has("prompt") && fields.has("completion")) return RecordFormat::kPromptCompletion;
  if (fields.has("text")) return RecordFormat::kText;
  std::string found;
  for (const auto& [key, value] : record.items()) found += (found.empty() ? "" : ", ") + key;
  fail(ErrorCode::kCorruptFile,
       "{}: fields {{{}}}, but expected text; instruction and output; prompt and completion; messages; or "
       "conversations",
       place, found.substr(0, 200));
}

Example make_example(const Json& record, const ExampleFormat& format, const std::string& place) {
  const Fields fields(record, format, place);
  switch (detect_format(record, format, place)) {
    case RecordFormat::kText:
      return {{{fields.text("text"), true}}, false};
    case RecordFormat::kPromptCompletion:
      return {{{fields.text("prompt"), false}, {fields.text("completion"), true}}, false};
    case RecordFormat::kInstruction:
      return instruction(fields, format, place);
    case RecordFormat::kMessages:
    case RecordFormat::kConversations: {
      const bool share_gpt = !fields.has("messages");
      const auto messages = read_messages(fields, share_gpt, place);
      LQ_CHECK(format.chat != nullptr, kInvalidArgument,
               "{}: a conversation needs a chat template; choose one of {}", place,
               fmt::join(ChatTemplate::names(), ", "));
      return by_template(*format.chat, messages, place);
    }
  }
  fail(ErrorCode::kInternal, "{}: a format without a reader", place);
}

}  // namespace lq
