#include "eval/task_scores.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lq {
namespace {

TEST(TaskScores, MeansAndStandardErrors) {
  const std::vector<double> values = {1, 0, 1, 1};
  const MeanAndError m = mean_and_error(values);
  EXPECT_DOUBLE_EQ(m.mean, 0.75);
  EXPECT_DOUBLE_EQ(m.standard_error, 0.25);  // sqrt(0.75 / 3) / sqrt(4)
  EXPECT_EQ(mean_and_error(std::vector<double>{1.0}).standard_error, 0.0);
}

TEST(TaskScores, GroupsCountByTheirSizes) {
  const Task& mmlu = find_task("mmlu");
  std::vector<TaskItem> items(6);
  std::vector<ItemScores> scores;
  const std::vector<std::string> subjects = {"anatomy", "anatomy",   "anatomy",
                                             "anatomy", "sociology", "sociology"};
  const std::vector<double> acc = {1, 0, 1, 1, 0, 1};
  for (std::size_t i = 0; i < 6; ++i) {
    items[i].group = subjects[i];
    scores.push_back({{"acc", acc[i]}});
  }
  const auto json = task_scores(mmlu, items, scores);
  EXPECT_DOUBLE_EQ(json["acc"].get<double>(), 4.0 / 6.0);
  EXPECT_DOUBLE_EQ(json["acc_macro"].get<double>(), 0.625);
  EXPECT_DOUBLE_EQ(json["groups"]["stem"]["acc"].get<double>(), 0.75);
  EXPECT_DOUBLE_EQ(json["subjects"]["sociology"]["acc"].get<double>(), 0.5);
  // ((4-1)*0.25^2*4 + (2-1)*0.5^2*2) / (6-2) / 6
  EXPECT_DOUBLE_EQ(json["acc_stderr"].get<double>(), std::sqrt((0.75 + 0.5) / 4.0 / 6.0));
}

}  // namespace
}  // namespace lq
