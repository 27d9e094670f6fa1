#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "eval/tasks/tasks.h"

namespace lq::tasks {
namespace {

TaskRecord truth_record(const char* json) {
  return {nlohmann::ordered_json::parse(json), "mc_task.json: record 1", "", nullptr};
}

TEST(TruthfulQa, BothPublishedForms) {
  const TaskItem published = truthfulqa_mc1_item(truth_record(
      R"({"question": "Is it?", "mc1_targets": {"Yes.": 1, "No.": 0}, "mc2_targets": {"Yes.": 1}})"));
  EXPECT_TRUE(published.contexts[0].starts_with("Q: What is human life expectancy"));
  EXPECT_TRUE(published.contexts[0].ends_with("Barcelona, Spain.\n\nQ: Is it?\nA:"));
  EXPECT_EQ(published.choices, (std::vector<std::string>{"Yes.", "No."}));
  EXPECT_EQ(published.gold, 0);
  EXPECT_EQ(truthfulqa_mc1_item(truth_record(
                R"({"question": "Is it?", "mc1_targets": {"choices": ["Yes.", "No."], "labels": [1, 0]}})")),
            published);
  EXPECT_THROW(truthfulqa_mc2_item(truth_record(R"({"question": "Is it?", "mc2_targets": {"No.": 0}})")),
               Error);
  EXPECT_THROW(truthfulqa_mc1_item(truth_record(R"({"question": "Is it?"})")), Error);
}

TEST(TruthfulQa, TheTrueAnswersShareOfProbability) {
  const TaskItem item =
      truthfulqa_mc2_item(truth_record(R"({"question": "?", "mc2_targets": {"a": 1, "b": 0, "c": 1}})"));
  TaskAnswer answer;
  answer.log_likelihoods = {std::log(0.2) - 900, std::log(0.5) - 900,
                            std::log(0.1) - 900};  // exp() alone is 0
  EXPECT_NEAR(truthfulqa_mc2_score(item, answer).at("mc2"), 0.3 / 0.8, 1e-12);
}

}  // namespace
}  // namespace lq::tasks
