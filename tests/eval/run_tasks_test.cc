#include "eval/run_tasks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

using io_test::put_file;
using io_test::TempDir;

std::filesystem::path quill() {
  return std::filesystem::path(lq::test::source_dir()) / "examples/models/quill";
}

void put(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  put_file(path, text);
}

class RunTasks : public ::testing::Test {
 protected:
  ThreadPool pool{2};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Model model = Model::load(ctx, quill());
  std::unique_ptr<Tokenizer> tokenizer = Tokenizer::load(quill());
  TempDir dir;
};

std::string arc_line(const std::string& question, const std::string& right, const std::string& wrong,
                     char key) {
  return R"({"question": ")" + question + R"(", "choices": {"text": [")" + right + R"(", ")" + wrong +
         R"("], "label": ["A", "B"]}, "answerKey": ")" + key + "\"}\n";
}

TEST_F(RunTasks, ScoresTheMoreLikelyChoice) {
  put(dir / "arc_easy/test.jsonl", arc_line("What does a boat sail on?", "the sea", "zqx zqx zqx", 'A') +
                                       arc_line("What does a boat sail on?", "the sea", "zqx zqx zqx", 'B') +
                                       arc_line("What falls in winter?", "snow", "qqqq qqqq vvvv", 'A'));
  TaskOptions options;
  options.data = dir.path();
  options.reference = &model;
  std::vector<nlohmann::ordered_json> samples;
  options.on_sample = [&](const nlohmann::ordered_json& line) { samples.push_back(line); };
  const auto json = run_task(ctx, model, *tokenizer, find_task("arc_easy"), options);
  EXPECT_DOUBLE_EQ(json["acc"].get<double>(), 2.0 / 3.0);
  EXPECT_EQ(json["documents"], 3);
  EXPECT_EQ(json["requests"], 6);
  EXPECT_EQ(json["flips"], 0.0);
  EXPECT_EQ(json["flips_norm"], 0.0);
  EXPECT_NEAR(json["kl"].get<double>(), 0.0, 1e-6);
  EXPECT_EQ(json["acc_difference"], 0.0);
  EXPECT_LT(json["tokens_computed"].get<int>(), json["tokens"].get<int>());
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_EQ(samples[0]["context"], "Question: What does a boat sail on?\nAnswer:");
  EXPECT_EQ(samples[0]["target"], 0);
  EXPECT_EQ(samples[0]["log_likelihoods"], samples[1]["log_likelihoods"]);
  options.limit = 1;
  options.on_sample = {};
  EXPECT_EQ(run_task(ctx, model, *tokenizer, find_task("arc_easy"), options)["documents"], 1);
}

// Against another model: what is compared is what each score is of.
TEST_F(RunTasks, FlipsAreOfTheAnswersThatScoresAreOf) {
  TaskItem item;
  item.choices = {"a", "a long answer"};
  TaskAnswer answer;
  answer.log_likelihoods = {-4.0, -8.0};
  EXPECT_EQ(predicted_choice(answer), 0);
  EXPECT_EQ(predicted_choice_by_length(item, answer), 1);
  put(dir / "lambada/test.jsonl", "{\"text\": \"The boats came home in the evening\"}\n");
  TaskOptions options;
  options.data = dir.path();
  options.reference = &model;
  const auto lambada = run_task(ctx, model, *tokenizer, find_task("lambada"), options);
  EXPECT_EQ(lambada["flips"], 0.0);
  EXPECT_EQ(lambada["reference_acc"], lambada["acc"]);
  const Task& gsm8k = find_task("gsm8k");
  EXPECT_EQ(gsm8k.extracted("so it is\n#### 1,200."), gsm8k.extracted("No: #### 1200"));
  EXPECT_NE(gsm8k.extracted("#### 12"), gsm8k.extracted("#### 13"));
}

TEST_F(RunTasks, SamplesHoldAllThatWasAsked) {
  put(dir / "winogrande/validation.jsonl",
      R"({"sentence": "Sarah was colder than Maria, so _ lit a fire.", "option1": "Sarah", "option2": "Maria", "answer": "1"})");
  put(dir / "wikitext/test.jsonl", R"({"page": "The sea was calm ."})");
  std::vector<nlohmann::ordered_json> lines;
  TaskOptions options;
  options.data = dir.path();
  options.on_sample = [&](const nlohmann::ordered_json& line) { lines.push_back(line); };
  run_task(ctx, model, *tokenizer, find_task("winogrande"), options);
  run_task(ctx, model, *tokenizer, find_task("wikitext"), options);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["contexts"].size(), 2U);
  EXPECT_NE(lines[0]["contexts"][0], lines[0]["contexts"][1]);
  EXPECT_EQ(lines[1]["text"], "The sea was calm .");
  put(dir / "wikitext/test.jsonl", R"({"page": ""})");
  io_test::expect_error(ErrorCode::kInvalidArgument, {"no token to predict"},
                        [&] { run_task(ctx, model, *tokenizer, find_task("wikitext"), options); });
}

TEST_F(RunTasks, SubjectsAndGroupsHaveScoresOfTheirOwn) {
  const std::string header = "question,choice0,choice1,choice2,choice3,answer\n";
  put(dir / "mmlu/test/anatomy_test.csv", header + "Q1,a,b,c,d,0\nQ2,a,b,c,d,1\n");
  put(dir / "mmlu/dev/anatomy_dev.csv", header + "D1,a,b,c,d,2\nD2,a,b,c,d,3\nD3,a,b,c,d,0\n");
  TaskOptions options;
  options.data = dir.path();
  options.shots = 2;
  const auto json = run_task(ctx, model, *tokenizer, find_task("mmlu"), options);
  EXPECT_EQ(json["documents"], 2);
  EXPECT_EQ(json["subjects"]["anatomy"]["documents"], 2);
  EXPECT_EQ(json["groups"]["stem"]["documents"], 2);
}

TEST_F(RunTasks, GeneratedAnswersAreExtracted) {
  put(dir / "gsm8k/test.jsonl", R"({"question": "How many boats?", "answer": "Two.\n#### 2"})");
  TaskOptions options;
  options.data = dir.path();
  options.shots = 0;
  options.max_new_tokens = 8;
  std::string answer = "none";
  options.on_sample = [&](const nlohmann::ordered_json& line) { answer = line["answer"]; };
  const auto json = run_task(ctx, model, *tokenizer, find_task("gsm8k"), options);
  EXPECT_EQ(json["documents"], 1);
  EXPECT_TRUE(json.contains("exact_match_strict") && json.contains("exact_match_flexible_stderr"));
  EXPECT_NE(answer, "none");
}

TEST_F(RunTasks, WholeTextsGivePerplexities) {
  put(dir / "wikitext/test.jsonl", R"({"page": "The sea was calm , and the boats came home ."})");
  TaskOptions options;
  options.data = dir.path();
  const auto json = run_task(ctx, model, *tokenizer, find_task("wikitext"), options);
  const double bits = json["bits_per_byte"];
  EXPECT_NEAR(std::log2(json["byte_perplexity"].get<double>()), bits, 1e-9);
  EXPECT_NEAR(std::log2(json["word_perplexity"].get<double>()) * 11, bits * 44, 1e-6);
}

}  // namespace
}  // namespace lq
