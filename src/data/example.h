// Records of fine-tuning data as text: what is given, and what the model shall learn to say.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "data/conversation_text.h"
#include "data/data_report.h"
#include "data/token_spans.h"
#include "templates/chat_template.h"

namespace lq {

enum class RecordFormat {
  kText,              // text
  kInstruction,       // instruction, output; perhaps input, system, history (Alpaca)
  kPromptCompletion,  // prompt, completion: strings, or lists of messages
  kMessages,          // messages or conversations: [{role, content}] (OpenAI) or [{from, value}] (ShareGPT);
                      // perhaps system, tools, documents, chat_template_kwargs
};

struct ExampleFormat {
  // For conversations and kInstruction. Null: the Alpaca built-in for kInstruction, and conversations are
  // refused. Borrowed.
  const ChatTemplate* chat = nullptr;
  // Why the model's own template, which is null then, does not serve: conversations and instructions are
  // refused with it.
  std::string chat_refused = {};
  // Text of BOS and EOS for the Alpaca built-in where chat is null.
  std::string bos = {}, eos = {};
  // Other names of fields, as CSV columns may have them: {"prompt": "question", "completion": "answer"}.
  std::map<std::string, std::string> fields = {};
  // Of conversations. kAll: `trained` of their examples says nothing, `refused` holds.
  Trained what = Trained::kAnswers;
};

struct Example {
  std::string text;                    // valid UTF-8: U+FFFD where the record has malformed parts
  std::vector<TextSpan> trained = {};  // ascending, apart
  // The text holds its own BOS and end marks; else they are added when it is encoded.
  bool has_marks = false;
  std::vector<TextSpan> refused = {};  // answers that their flags take out, whatever else counts
};

// All fields that records may have, by the names that ExampleFormat::fields maps.
const std::vector<std::string>& record_field_names();

// By the fields there are; by those that the user has named where they fit a format. place: "path:line".
// Throws kCorruptFile with the fields found and those that were expected.
RecordFormat detect_format(const nlohmann::ordered_json& record, const ExampleFormat& format,
                           const std::string& place);

class ExampleMaker {
 public:
  explicit ExampleMaker(ExampleFormat format);
  ~ExampleMaker();

  // report: what is left out or not understood is counted. Throws kCorruptFile for missing or ill-typed
  // fields, unknown roles, a conversation without an answer or one that the template refuses.
  Example make(const nlohmann::ordered_json& record, const std::string& place, DataReport& report);

 private:
  ExampleFormat format_;
  std::unique_ptr<ChatTemplate> alpaca_;  // for instructions where format_.chat is null
  std::unique_ptr<ConversationWriter> writer_, alpaca_writer_;
};

}  // namespace lq
