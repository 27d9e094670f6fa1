#include "eval/run_tasks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

using io_test::expect_error;
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

TEST_F(RunTasks, ExamplesStandBeforeTheQuestion) {
  const std::string header = "question,choice0,choice1,choice2,choice3,answer\n";
  put(dir / "mmlu/test/anatomy_test.csv", header + "Q1,a,b,c,d,0\nQ2,a,b,c,d,1\n");
  put(dir / "mmlu/dev/anatomy_dev.csv", header + "D1,a,b,c,d,2\nD2,a,b,c,d,3\nD3,a,b,c,d,0\n");
  TaskOptions options;
  options.data = dir.path();
  options.shots = 2;
  const auto asked = asked_items(find_task("mmlu"), options);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[1].before,
            "The following are multiple choice questions (with answers) about anatomy.\n\n"
            "D1\nA. a\nB. b\nC. c\nD. d\nAnswer: C\n\nD2\nA. a\nB. b\nC. c\nD. d\nAnswer: D\n\n");
  EXPECT_EQ(asked[1].item.contexts[0], "Q2\nA. a\nB. b\nC. c\nD. d\nAnswer:");
  const auto json = run_task(ctx, model, *tokenizer, find_task("mmlu"), options);
  EXPECT_EQ(json["documents"], 2);
  EXPECT_EQ(json["subjects"]["anatomy"]["documents"], 2);
  EXPECT_EQ(json["groups"]["stem"]["documents"], 2);
  options.shots = 4;
  expect_error(ErrorCode::kInvalidArgument, {"mmlu", "4 examples", "3 documents"},
               [&] { asked_items(find_task("mmlu"), options); });
}

TEST_F(RunTasks, DrawnExamplesAreTheHarnesss) {
  std::string train;
  for (int i = 0; i < 40; ++i) train += arc_line("T" + std::to_string(i), "a", "b", 'A');
  put(dir / "arc_easy/train.jsonl", train);
  put(dir / "arc_easy/test.jsonl", arc_line("Q", "a", "b", 'A') + arc_line("R", "a", "b", 'A'));
  TaskOptions options;
  options.data = dir.path();
  options.shots = 3;
  // random.Random(1234): sample(range(40), 3) twice gives [28, 7, 0] and [5, 37, 2] (Python 3.11).
  const auto asked = asked_items(find_task("arc_easy"), options);
  const auto shots = [](const AskedItem& item) {
    std::vector<std::string> names;
    for (std::size_t at = 0; (at = item.before.find("Question: T", at)) != std::string::npos; ++at)
      names.push_back(item.before.substr(at + 11, item.before.find('\n', at) - at - 11));
    return names;
  };
  EXPECT_EQ(shots(asked[0]), (std::vector<std::string>{"28", "7", "0"}));
  EXPECT_EQ(shots(asked[1]), (std::vector<std::string>{"5", "37", "2"}));
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

TEST_F(RunTasks, ADocumentIsNotItsOwnExample) {
  const auto line = [](const std::string& goal) {
    return R"({"goal": ")" + goal + R"(", "sol1": "a", "sol2": "b", "label": 0})" + "\n";
  };
  put(dir / "piqa/valid.jsonl", line("T0") + line("T1"));
  // Three of four are the first document: whatever is drawn, they are left out.
  put(dir / "piqa/train.jsonl", line("T0") + line("T0") + line("T0") + line("T2"));
  TaskOptions options;
  options.data = dir.path();
  options.shots = 1;
  const auto asked = asked_items(find_task("piqa"), options);
  EXPECT_NE(asked[0].before.find("T2"), std::string::npos);
  EXPECT_EQ(asked[0].before.find("T0"), std::string::npos);
  options.shots = 2;
  expect_error(ErrorCode::kInvalidArgument, {"piqa", "2 examples", "1 documents differ"},
               [&] { asked_items(find_task("piqa"), options); });
  options.shots = 4;
  expect_error(ErrorCode::kInvalidArgument, {"piqa", "4 examples"},
               [&] { asked_items(find_task("piqa"), options); });
}

}  // namespace
}  // namespace lq
