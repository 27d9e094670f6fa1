
#include "eval/task.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

double characters(std::string_view text) {
  std::int64_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += utf8::decode(text, at).size) ++count;
  return static_cast<double>(count);
}

}  // namespace

ItemScores score_choice(const TaskItem& item, const TaskAnswer& answer, bool normalised) {
  ItemScores scores = {{"acc", predicted_choice(answer) == item.gold ? 1.0 : 0.0}};
  if (!normalised) return scores;
  scores["acc_norm"] = predicted_choice_by_length(item, answer) == item.gold ? 1.0 : 0.0;
  return scores;
}

std::int64_t predicted_choice_by_length(const TaskItem& item, const TaskAnswer& answer) {
  TaskAnswer by_length;
  for (std::size_t i = 0; i < item.choices.size(); ++i) {
    // The delimiter before a choice does not count, an empty choice is infinitely unlikely.
    by_length.log_likelihoods.push_back(answer.log_likelihoods[i] / characters(item.choices[i]));
  }
  return predicted_choice(by_length);
}

}  // namespace lq
