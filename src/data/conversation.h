// Records of chat data as what a chat template renders.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/data_report.h"
#include "data/record_fields.h"

namespace lq {

struct Conversation {
  // Whole mappings, see chat_message.h.
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  std::vector<std::uint8_t> trained;  // of each message: whether what the assistant says in it counts
  std::vector<std::uint8_t> refused;  // of each: whether its flag says that it never counts; may be empty
  nlohmann::ordered_json tools;       // a list of mappings, or null
  nlohmann::ordered_json documents;   // a list of mappings, or null
  // More for the template: enable_thinking.
  nlohmann::ordered_json variables = nlohmann::ordered_json::object();

  // Whether there is an answer that says something and does not count.
  bool leaves_answers_out() const;
};

// What of a conversation is trained.
enum class Trained {
  kAnswers,  // what the assistant says
  kAll,      // everything: a conversation needs no answer
};

// A list under `field` ("messages" or "conversations"; OpenAI's and ShareGPT's keys in either), perhaps with
// system, tools, documents, chat_template_kwargs beside it. All of these throw kCorruptFile for what is no
// conversation, and for one without an answer. Empty system texts are left out, answers without text and call
// are not trained, and both are counted.
Conversation conversation_of_messages(const RecordFields& fields, const std::string& field, Trained what,
                                      DataReport& report);
// prompt and completion, both lists of messages: only the latter's answers are trained.
Conversation conversation_of_completion(const RecordFields& fields, Trained what, DataReport& report);
// instruction, output, perhaps input (behind the instruction, after `between`), system, history: pairs of
// earlier questions and answers, which are trained too.
Conversation conversation_of_instruction(const RecordFields& fields, const std::string& between, Trained what,
                                         DataReport& report);

}  // namespace lq
