#include <gtest/gtest.h>

#include "eval/task.h"

namespace lq {
namespace {

TEST(ScoreChoice, TheFirstOfEqualsWinsAndLengthsAreInCharacters) {
  TaskItem item;
  item.choices = {"ab", "\u00e4\u00f6\u00fc\u00df", "abc"};
  item.gold = 1;
  TaskAnswer answer;
  answer.log_likelihoods = {-2.0, -3.0, -2.0};
  EXPECT_EQ(predicted_choice(answer), 0);
  const ItemScores scores = score_choice(item, answer, true);
  EXPECT_EQ(scores.at("acc"), 0.0);
  EXPECT_EQ(scores.at("acc_norm"),
            0.0);  // -0.67 a character of the third choice; of the second -0.75, its bytes -0.375
  answer.log_likelihoods = {-2.0, -2.5, -2.0};
  EXPECT_EQ(score_choice(item, answer, true).at("acc_norm"), 1.0);
  EXPECT_EQ(score_choice(item, answer, false).count("acc_norm"), 0U);
}

}  // namespace
}  // namespace lq
