#include "jobs/options/eval_options.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "files/options/job_identity.h"
#include "support/io_test_util.h"
#include "support/option_test_util.h"

namespace lq {
namespace {

using lq::test::option_infos;
using lq::test::set_option;

nlohmann::json eval_identity(EvalOptions& o) {
  return with_identity(nlohmann::json::object(), [&o](OptionVisitor& v) { describe(v, o); });
}

TEST(EvalOptions, ATaskMayBeAFile) {
  EXPECT_TRUE(is_task_file("quiz.toml"));
  EXPECT_TRUE(is_task_file("folder/quiz.toml"));
  EXPECT_FALSE(is_task_file("mmlu"));
  EXPECT_FALSE(is_task_file("toml"));
}

TEST(EvalOptions, TasksAreAList) {
  EvalOptions o;
  EXPECT_EQ(set_option(o, "tasks", {"perplexity:1024", "piqa"}), nlohmann::json({"perplexity:1024", "piqa"}));
  EXPECT_EQ(o.tasks, (std::vector<std::string>{"perplexity:1024", "piqa"}));
  set_option(o, "tasks", {"mmlu"});
  EXPECT_EQ(o.tasks, std::vector<std::string>{"mmlu"}) << "given again, it is another list";
}

// The same name with other text in it is another job: answers found so far are not its own.
TEST(EvalOptions, AJobKnowsATasksFileByWhatItSays) {
  io_test::TempDir dir;
  const std::string file = (dir / "quiz.toml").string();
  io_test::put_file(file, "name = \"quiz\"");
  EvalOptions o;
  o.tasks = {file};
  const nlohmann::json before = eval_identity(o);
  EXPECT_EQ(eval_identity(o), before);
  io_test::put_file(file, "name = \"other\"");
  EXPECT_NE(eval_identity(o), before);
}

TEST(EvalOptions, WhereResultsGoChangesNone) {
  EvalOptions o;
  o.tasks = {"mmlu"};
  const nlohmann::json before = eval_identity(o);
  for (const char* key : {"out", "log-samples", "answers", "judge-pairs"}) set_option(o, key, "elsewhere");
  EXPECT_EQ(eval_identity(o), before);
  set_option(o, "limit", 3);
  EXPECT_NE(eval_identity(o), before);
}

TEST(EvalOptions, NoExamplesIsNotTheTasksOwnNumber) {
  EvalOptions o;
  EXPECT_FALSE(o.shots.has_value());
  set_option(o, "num-fewshot", 0);
  EXPECT_EQ(o.shots, 0);
}

TEST(EvalOptions, Ranges) {
  EvalOptions o;
  EXPECT_THROW(set_option(o, "num-fewshot", -1), Error);
  EXPECT_THROW(set_option(o, "num-fewshot", 1001), Error);
  EXPECT_THROW(set_option(o, "limit", -1), Error);
  EXPECT_THROW(set_option(o, "seq-len", 1), Error);
  EXPECT_EQ(o.text.seq_len, 512) << "what is refused changes nothing";
}

TEST(EvalOptions, AModelTasksAndDataAreNeeded) {
  EvalOptions o;
  for (const auto& [key, info] : option_infos(o)) {
    EXPECT_EQ(info.required, key == "model" || key == "tasks" || key == "data") << key;
  }
}

}  // namespace
}  // namespace lq
