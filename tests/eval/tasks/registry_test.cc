#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "eval/task.h"

namespace lq {
namespace {

TEST(TaskRegistry, EveryTaskIsWhole) {
  std::set<std::string_view> names;
  for (const Task& task : all_tasks()) {
    EXPECT_TRUE(names.insert(task.name).second) << task.name;
    EXPECT_NE(task.item, nullptr) << task.name;
    EXPECT_NE(task.score, nullptr) << task.name;
    EXPECT_FALSE(task.folder.empty() || task.source.empty()) << task.name;
    EXPECT_EQ(&find_task(task.name), &task);
    EXPECT_EQ(task.kind == TaskKind::kGenerate, !task.stop.empty()) << task.name;
  }
  EXPECT_EQ(find_task("mmlu").shots, 5);
}

TEST(TaskRegistry, OneScoreOfATaskIsQuoted) {
  for (const Task& task : all_tasks()) EXPECT_EQ(quoted_metric(task), task.quoted) << task.name;
  EXPECT_EQ(quoted_metric(find_task("piqa")), "acc_norm");
  EXPECT_EQ(quoted_metric(find_task("truthfulqa_mc2")), "acc");
  EXPECT_EQ(quoted_metric(find_task("gsm8k")), "exact_match_strict");
  EXPECT_EQ(quoted_metric(find_task("wikitext")), "word_perplexity");
  Task unquoted = find_task("piqa");
  unquoted.quoted.clear();
  try {
    quoted_metric(unquoted);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(e.what(), "[tasks] task 'piqa' has no score that tables quote");
  }
}

TEST(TaskRegistry, AnUnknownNameIsToldTheNearest) {
  try {
    find_task("helaswag");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean hellaswag?"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace lq
