#include "eval/fastchat_answers.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

TEST(FastchatAnswers, ReadsBothFormsOfAQuestion) {
  const TempDir dir;
  put_file(dir / "question.jsonl",
           R"({"question_id": 81, "category": "writing", "turns": ["Write.", "Again."]})"
           "\n"
           R"({"question_id": 5, "text": "Why?", "category": "generic"})"
           "\n"
           R"({"question_id": 6, "turns": ["How?"], "category": "math", "required_temperature": 0.3})"
           "\n");
  const auto q = read_chat_questions(dir / "question.jsonl");
  ASSERT_EQ(q.size(), 3U);
  EXPECT_EQ(q[0].turns, (std::vector<std::string>{"Write.", "Again."}));
  EXPECT_EQ(q[1].turns, std::vector<std::string>{"Why?"});
  EXPECT_EQ(chat_temperature(q[0]), 0.7);
  EXPECT_EQ(chat_temperature(q[1]), 0.7);
  EXPECT_EQ(chat_temperature(q[2]), 0.3);
  EXPECT_EQ(chat_temperature({1, "math", {}, {}}), 0.0);
  EXPECT_EQ(chat_temperature({1, "stem", {}, {}}), 0.1);
}

TEST(FastchatAnswers, RefusesWhatIsNoQuestion) {
  const TempDir dir;
  const auto refused = [&](const std::string& text, std::initializer_list<std::string_view> parts) {
    put_file(dir / "q.jsonl", text);
    expect_error(ErrorCode::kCorruptFile, parts, [&] { read_chat_questions(dir / "q.jsonl"); });
  };
  refused("", {"q.jsonl", "no questions"});
  refused(R"({"turns": ["a"]})", {"q.jsonl:1", "question_id"});
  refused(R"({"question_id": 1, "category": "math"})", {"q.jsonl:1", "turns"});
  refused(R"({"question_id": 1, "turns": [1]})", {"q.jsonl:1", "list of texts"});
  refused(R"({"question_id": 1, "turns": ["a"], "required_temperature": "hot"})", {"temperature"});
  refused("{\"question_id\": 1, \"text\": \"a\"}\n{\"question_id\": 1, \"text\": \"b\"}\n",
          {"q.jsonl:2", "twice"});
  EXPECT_THROW(read_chat_questions(dir / "none.jsonl"), Error);
}

TEST(FastchatAnswers, AnswersAndPairs) {
  const std::filesystem::path quill = std::filesystem::path(test::source_dir()) / "examples/models/quill";
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const Model model = Model::load(ctx, quill);
  const auto tokenizer = Tokenizer::load(quill);
  const ChatTemplate chat = ChatTemplate::by_name("vicuna", *tokenizer);
  const std::vector<ChatQuestion> questions = {{7, "writing", {"Tell of the sea.", "Go on."}, {}},
                                               {8, "math", {"How many boats?"}, {}}};
  const TempDir dir;
  AnswerStore store(dir / "answers");
  const ChatAnswerOptions options{.model_id = "quill", .max_tokens = 5, .seed = 1, .store = &store};
  const auto first = chat_answers(ctx, model, *tokenizer, chat, questions, options);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0]["question_id"], 7);
  EXPECT_EQ(first[0]["model_id"], "quill");
  EXPECT_EQ(first[0]["choices"].size(), 1U);
  EXPECT_EQ(first[0]["choices"][0]["index"], 0);
  EXPECT_EQ(first[0]["choices"][0]["turns"].size(), 2U);
  EXPECT_EQ(first[0]["answer_id"].get<std::string>().size(), 22U);
  EXPECT_GT(first[0]["tstamp"].get<double>(), 1.7e9);
  for (const std::string turn : first[0]["choices"][0]["turns"]) {
    EXPECT_FALSE(turn.starts_with('\n') || turn.starts_with(' ') || turn.ends_with('\n')) << turn;
  }
  // Kept answers come back as they were, time and all; the same seed says the same.
  EXPECT_EQ(chat_answers(ctx, model, *tokenizer, chat, questions, options), first);
  ChatAnswerOptions again = options;
  again.store = nullptr;
  auto second = chat_answers(ctx, model, *tokenizer, chat, questions, again);
  EXPECT_EQ(second[0]["choices"], first[0]["choices"]);
  EXPECT_EQ(second[1]["choices"], first[1]["choices"]);
  again.model_id = "other";
  second = chat_answers(ctx, model, *tokenizer, chat, questions, again);
  EXPECT_NE(second[0]["answer_id"], first[0]["answer_id"]);
  const auto pairs = judge_pairs(questions, first, second);
  ASSERT_EQ(pairs.size(), 2U);
  EXPECT_EQ(pairs[1]["model_1"], "quill");
  EXPECT_EQ(pairs[1]["model_2"], "other");
  EXPECT_EQ(pairs[1]["turns"], nlohmann::ordered_json::array({"How many boats?"}));
  EXPECT_EQ(pairs[1]["answer_2"], second[1]);
  const std::vector<ChatQuestion> endless = {{9, "math", {std::string(9000, 'q')}, {}}};
  expect_error(ErrorCode::kInvalidArgument, {"question 9", "turn 1", "1024"},
               [&] { chat_answers(ctx, model, *tokenizer, chat, endless, again); });
}

}  // namespace
}  // namespace lq
