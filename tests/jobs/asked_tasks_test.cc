#include "jobs/asked_tasks.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

EvalOptions options(std::vector<std::string> tasks) {
  EvalOptions o;
  o.tasks = std::move(tasks);
  return o;
}

TEST(AskedTasks, TextsBenchmarksAndChat) {
  EvalOptions o = options({"perplexity", "perplexity:64", "arc_easy"});
  o.text.seq_len = 256;
  const auto all = asked_tasks(o);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_TRUE(all[0].perplexity && all[0].window == 256);
  EXPECT_TRUE(all[1].perplexity && all[1].window == 64);
  ASSERT_TRUE(all[2].task.has_value());
  EXPECT_EQ(all[2].task->name, "arc_easy");
  o = options({"vicuna"});
  o.answers = "a";
  EXPECT_TRUE(asked_tasks(o)[0].chat);
}

TEST(AskedTasks, OptionsThatDoNotFitAreRefused) {
  const auto refused = [&](const EvalOptions& o, std::initializer_list<std::string_view> parts) {
    expect_error(ErrorCode::kInvalidArgument, parts, [&] { asked_tasks(o); });
  };
  refused(options({"arc_esay"}), {"arc_esay", "did you mean arc_easy"});
  refused(options({"piqa", "piqa"}), {"`tasks`", "piqa", "twice"});
  refused(options({"perplexity:1"}), {"perplexity:1", "2 or more"});
  refused(options({"perplexity:many"}), {"perplexity:many"});
  refused(options({"vicuna"}), {"vicuna", "`answers`"});
  EvalOptions o = options({"piqa"});
  o.answers = "a";
  refused(o, {"`answers`", "vicuna"});
  o = options({"vicuna"});
  o.judge_pairs = "p";
  refused(o, {"`judge-pairs`", "`reference`"});
}

TEST(AskedTasks, OptionsOfTasksThatAreNotAskedForAreRefused) {
  EvalOptions text = options({"perplexity"});
  text.limit = 3;
  expect_error(ErrorCode::kInvalidArgument, {"limit is of benchmarks"}, [&] { asked_tasks(text); });
  text = options({"perplexity"});
  text.samples = "samples.jsonl";
  expect_error(ErrorCode::kInvalidArgument, {"log-samples is of benchmarks"}, [&] { asked_tasks(text); });
  text = options({"perplexity"});
  text.format = "chatml";
  expect_error(ErrorCode::kInvalidArgument, {"format is of the task vicuna"}, [&] { asked_tasks(text); });
  EvalOptions task = options({"mmlu"});
  task.text.field = "story";
  expect_error(ErrorCode::kInvalidArgument, {"field is of perplexity"}, [&] { asked_tasks(task); });
  task = options({"arc_easy"});
  task.max_tokens = 5;
  expect_error(ErrorCode::kInvalidArgument, {"max-tokens is of answers"}, [&] { asked_tasks(task); });
  text = options({"perplexity:64"});
  text.text.seq_len = 128;
  expect_error(ErrorCode::kInvalidArgument, {"seq-len is the window"}, [&] { asked_tasks(text); });
}

TEST(AskedTasks, TwoTasksOfOneNameAreRefused) {
  const char* const text = "name = \"quiz\"\nprompt = \"{{q}}\"\nanswer = \"{{a}}\"\nkind = \"generate\"\n";
  const io_test::TempDir dir;
  for (const char* name : {"a", "b"}) {
    std::filesystem::create_directories(dir / name);
    io_test::put_file(dir / name / "quiz.toml", text);
  }
  const EvalOptions o = options({(dir / "a/quiz.toml").string(), (dir / "b/quiz.toml").string()});
  expect_error(ErrorCode::kInvalidArgument, {"a/quiz.toml", "b/quiz.toml", "both called quiz"},
               [&] { asked_tasks(o); });
}

}  // namespace
}  // namespace lq
