// One message of chat data, whichever way its author wrote it, as the mapping that a chat template takes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "data/data_report.h"

namespace lq {

struct ChatDataMessage {
  // The whole mapping in the order of its keys: "role" and "content" (ShareGPT's "from" and "value" by these
  // names), tool_calls, name, reasoning_content and whatever else it holds; without training flags.
  nlohmann::ordered_json mapping;
  bool trained = true;  // as its flags say: "weight", "train", "training", "loss" (0 or false: it is not)
};

// where: "path:line: messages[3]". Roles of ShareGPT get OpenAI's names: human and gpt are user and assistant
// under either key; a "function_call" becomes an assistant's tool call. Throws kCorruptFile for what is no
// message, a speaker ("from") that is unknown, a flag that is not 0 or 1.
ChatDataMessage read_chat_message(const nlohmann::ordered_json& message, const std::string& where,
                                  DataReport& report, const std::string& place);

// Text of "content" that would be written: a string, or the text parts of a list together; empty for null.
// Throws kCorruptFile for a part that is not text (an image).
std::string joined_content(const nlohmann::ordered_json& message, const std::string& where);

// Parts as templates look for them: a plain text and a part without a type become {"type": "text", "text":
// ...}; whether there was one. Throws kCorruptFile for what a model of text does not see (an image) and for
// no part.
bool complete_parts(nlohmann::ordered_json& parts, const std::string& where);

// Without text, without a call, without anything else that is said (reasoning_content, refusal).
bool is_empty_message(const nlohmann::ordered_json& message);

}  // namespace lq
