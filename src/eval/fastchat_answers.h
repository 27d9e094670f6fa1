// Answers to questions such as Vicuna-80 and MT-bench, in FastChat's files, for a judge of the user's own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "eval/answer_store.h"
#include "models/model.h"
#include "templates/chat_template.h"
#include "tensor/context.h"
#include "tokenizers/tokenizer.h"

namespace lq {

struct ChatQuestion {
  std::int64_t id = 0;
  std::string category;
  std::vector<std::string> turns;     // what the user says, one after the other
  std::optional<double> temperature;  // the question's own, instead of its category's
};

// FastChat's question.jsonl: question_id, category, turns (or text, of one turn), required_temperature.
// Throws Error(kNotFound) for the file, Error(kCorruptFile) with the place for a record that is no question,
// for a question_id that comes twice and for a file without questions.
std::vector<ChatQuestion> read_chat_questions(const std::filesystem::path& file);

// 0.7 for writing and roleplay, 0.1 for stem and humanities, 0 (greedy) for extraction, math, coding and
// reasoning, 0.7 for every other: as FastChat's judge has them.
double chat_temperature(const ChatQuestion& question);

struct ChatAnswerOptions {
  std::string model_id;
  std::int64_t max_tokens = 1024;  // of an answer, as FastChat's default
  std::uint64_t seed = 0;
  AnswerStore* store = nullptr;  // answers by question_id
};

// One line of FastChat's answer file for each question: question_id, answer_id (a hash of model and
// question), model_id, choices [{index, turns}], tstamp (seconds since 1970). Each turn sees those before it.
// Throws Error(kInvalidArgument), with the question, for one that leaves no room in the model's context.
// Reports progress in questions.
std::vector<nlohmann::ordered_json> chat_answers(Context& ctx, const Model& model, const Tokenizer& tokenizer,
                                                 const ChatTemplate& chat,
                                                 const std::vector<ChatQuestion>& questions,
                                                 const ChatAnswerOptions& options);

// The question and both models' answers, one line a question: question_id, category, turns, model_1, model_2,
// answer_1, answer_2 (lines of the answer files). REQUIRES: answers of these questions, in their order.
std::vector<nlohmann::ordered_json> judge_pairs(const std::vector<ChatQuestion>& questions,
                                                const std::vector<nlohmann::ordered_json>& first,
                                                const std::vector<nlohmann::ordered_json>& second);

}  // namespace lq
