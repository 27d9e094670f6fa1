// Records of fine-tuning data as text: what is given, and what the model shall learn to say.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "templates/chat_template.h"

namespace lq {

enum class RecordFormat {
  kText,              // text
  kInstruction,       // instruction, input (may be absent or empty), output; perhaps system (Alpaca)
  kPromptCompletion,  // prompt, completion
  kMessages,          // messages: [{role, content}] (OpenAI)
  kConversations,     // conversations: [{from, value}] (ShareGPT); perhaps system
};

struct ExampleFormat {
  // For kInstruction, kMessages and kConversations. Null: the Alpaca built-in for kInstruction, and the
  // others are refused. Borrowed.
  const ChatTemplate* chat = nullptr;
  // Text of BOS and EOS for the Alpaca built-in where chat is null.
  std::string bos = {}, eos = {};
  // Other names of fields, as CSV columns may have them: {"prompt": "question", "completion": "answer"}.
  std::map<std::string, std::string> fields = {};
};

struct Example {
  std::vector<TextSegment> segments;
  // The text holds its own BOS and end marks; else they are added when it is encoded.
  bool has_marks = false;
};

// By the fields there are. place: "path:line". Throws kCorruptFile with the fields found and those that were
// expected.
RecordFormat detect_format(const nlohmann::ordered_json& record, const ExampleFormat& format,
                           const std::string& place);

// Throws kCorruptFile for missing or ill-typed fields, unknown roles, a conversation without an answer or one
// that the template refuses.
Example make_example(const nlohmann::ordered_json& record, const ExampleFormat& format,
                     const std::string& place);

}  // namespace lq
