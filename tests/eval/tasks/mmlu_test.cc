#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/tasks/tasks.h"

namespace lq::tasks {
namespace {

TaskRecord mmlu_record(const char* json) {
  return {nlohmann::ordered_json::parse(json), "file.csv:2", "anatomy", nullptr};
}

TEST(Mmlu, EveryPublishedFormIsTheSameQuestion) {
  const TaskItem columns = mmlu_item(mmlu_record(
      R"({"question": " Which? ", "choice0": "w", "choice1": "x", "choice2": "y", "choice3": "z", "answer": "2"})"));
  EXPECT_EQ(columns.contexts, std::vector<std::string>{"Which?\nA. w\nB. x\nC. y\nD. z\nAnswer:"});
  EXPECT_EQ(columns.choices, (std::vector<std::string>{"A", "B", "C", "D"}));
  EXPECT_EQ(columns.gold, 2);
  EXPECT_EQ(columns.group, "anatomy");
  EXPECT_TRUE(columns.shot.ends_with("Answer: C"));
  EXPECT_EQ(mmlu_item(mmlu_record(
                R"({"question": "Which?", "A": "w", "B": "x", "C": "y", "D": "z", "answer": "C"})")),
            columns);
  EXPECT_EQ(
      mmlu_item(mmlu_record(
          R"({"question": "Which?", "subject": "anatomy", "choices": ["w", "x", "y", "z"], "answer": 2})")),
      columns);
  EXPECT_THROW(mmlu_item(mmlu_record(R"({"question": "Which?", "choices": ["w"], "answer": 2})")), Error);
  EXPECT_THROW(
      mmlu_item(mmlu_record(R"({"question": "Which?", "choices": ["w", "x", "y", "z"], "answer": 4})")),
      Error);
}

TEST(Mmlu, SubjectsAndTheirCategories) {
  EXPECT_EQ(mmlu_category("anatomy"), "stem");
  EXPECT_EQ(mmlu_category("high_school_us_history"), "humanities");
  EXPECT_EQ(mmlu_category("sociology"), "social_sciences");
  EXPECT_EQ(mmlu_category("virology"), "other");
  EXPECT_EQ(mmlu_category("cooking"), "");
  EXPECT_EQ(mmlu_description("us_foreign_policy"),
            "The following are multiple choice questions (with answers) about us foreign policy.\n\n");
}

}  // namespace
}  // namespace lq::tasks
