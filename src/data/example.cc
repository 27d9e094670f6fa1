#include "data/example.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"
#include "data/record_fields.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;

RecordFormat format_of(const RecordFields& fields, const Json& record) {
  struct Choice {
    RecordFormat format;
    std::vector<const char*> needs;
  };
  static const std::vector<Choice> kChoices = {
      {RecordFormat::kMessages, {"messages"}},
      {RecordFormat::kMessages, {"conversations"}},
      {RecordFormat::kInstruction, {"instruction"}},
      {RecordFormat::kPromptCompletion, {"prompt", "completion"}},
      {RecordFormat::kText, {"text"}},
  };
  // What the user has named goes before what is there besides.
  for (const bool named : {true, false}) {
    for (const auto& [format, needs] : kChoices) {
      const bool fits = std::ranges::all_of(needs, [&](const char* field) { return fields.holds(field); }) &&
                        (!named || std::ranges::any_of(needs, [&](const char* field) {
                          return fields.name(field) != field;
                        }));
      if (fits) return format;
    }
  }
  std::string found;
  for (const auto& [key, value] : record.items()) found += (found.empty() ? "" : ", ") + key;
  fail(ErrorCode::kCorruptFile,
       "{}: fields {{{}}}, but expected text; instruction and output; prompt and completion; messages; or "
       "conversations",
       fields.place(), printable(found));
}

// Malformed UTF-8 comes from tables, where it has been counted; JSON has none.
std::string valid(const std::string& text) { return utf8::is_valid(text) ? text : utf8::repair(text); }

// A list, or a text that is one of messages in JSON, as tables have it. Any other text is a text.
bool holds_messages(const RecordFields& fields, const std::string& field) {
  const Json& value = fields.get(field);
  if (!value.is_string()) return value.is_array();
  const Json list = Json::parse(value.get_ref<const std::string&>(), nullptr, false);
  return list.is_array() && !list.empty() && std::ranges::all_of(list, [](const Json& one) {
           return one.is_object() && (one.contains("role") || one.contains("from"));
         });
}

}  // namespace

const std::vector<std::string>& record_field_names() {
  static const std::vector<std::string> kNames = {"text",
                                                  "prompt",
                                                  "completion",
                                                  "instruction",
                                                  "input",
                                                  "output",
                                                  "system",
                                                  "history",
                                                  "messages",
                                                  "conversations",
                                                  "tools",
                                                  "documents",
                                                  "chat_template_kwargs"};
  return kNames;
}

RecordFormat detect_format(const Json& record, const ExampleFormat& format, const std::string& place) {
  LQ_CHECK(record.is_object(), kCorruptFile, "{}: should be an object, is {}", place, record.type_name());
  return format_of(RecordFields(record, format.fields, place), record);
}

ExampleMaker::ExampleMaker(ExampleFormat format) : format_(std::move(format)) {
  if (format_.chat != nullptr) {
    writer_ = std::make_unique<ConversationWriter>(*format_.chat, format_.what);
  } else {
    alpaca_ = std::make_unique<ChatTemplate>(ChatTemplate::by_name("alpaca", format_.bos, format_.eos));
    alpaca_writer_ = std::make_unique<ConversationWriter>(*alpaca_, format_.what);
  }
}
ExampleMaker::~ExampleMaker() = default;

Example ExampleMaker::make(const Json& record, const std::string& place, DataReport& report) {
  LQ_CHECK(record.is_object(), kCorruptFile, "{}: should be an object, is {}", place, record.type_name());
  const RecordFields fields(record, format_.fields, place);
  const RecordFormat format = format_of(fields, record);
  const bool lists = format == RecordFormat::kPromptCompletion && holds_messages(fields, "prompt") &&
                     holds_messages(fields, "completion");
  Example out;
  Conversation conversation;
  if (format == RecordFormat::kText) {
    out.text = valid(fields.text("text"));
    out.trained = {{0, out.text.size()}};
  } else if (format == RecordFormat::kPromptCompletion && !lists) {
    out.text = valid(fields.text("prompt"));
    const std::size_t begin = out.text.size();
    out.text += valid(fields.text("completion"));
    if (out.text.size() > begin) {
      out.trained = {{begin, out.text.size()}};
    } else {
      report.count(Finding::kEmptyTurn, "", place);
    }
  } else {
    LQ_CHECK(format_.chat_refused.empty(), kUnsupported, "{}: {}", place, format_.chat_refused);
    ConversationWriter* writer = writer_.get();
    if (format == RecordFormat::kInstruction) {
      const bool alpaca = format_.chat == nullptr || format_.chat->name() == "alpaca";
      conversation =
          conversation_of_instruction(fields, alpaca ? "\n\n### Input:\n" : "\n\n", format_.what, report);
      if (writer == nullptr) writer = alpaca_writer_.get();
    } else if (lists) {
      conversation = conversation_of_completion(fields, format_.what, report);
    } else {
      const bool named = fields.name("conversations") != "conversations" && fields.holds("conversations");
      const bool messages = fields.holds("messages") && !named;
      conversation =
          conversation_of_messages(fields, messages ? "messages" : "conversations", format_.what, report);
    }
    LQ_CHECK(writer != nullptr, kInvalidArgument,
             "{}: a conversation needs a chat template; choose one of {}", place,
             fmt::join(ChatTemplate::names(), ", "));
    ConversationText text = writer->write(std::move(conversation), place, report);
    out = {std::move(text.text), std::move(text.trained), true, std::move(text.refused)};
  }
  fields.count_unused(report);
  return out;
}

}  // namespace lq
