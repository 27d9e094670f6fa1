#include "eval/custom_task.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

TaskRecord record(const char* json) {
  return {nlohmann::ordered_json::parse(json), "quiz.jsonl:7", "", nullptr};
}

Task quiz(const std::string& more = "") {
  return parse_custom_task(
      "name = \"quiz\"\nprompt = \"{{q}}\\n\"\nchoices = [\"yes\", \"no {{q}}\"]\nanswer = \"{{a}}\"\n" +
          more,
      "quiz.toml");
}

TEST(CustomTask, RendersAQuestion) {
  const Task task = quiz("shots = 3\nshot-order = \"first\"\nsplit = \"validation\"\ndescription = \"D\"\n");
  EXPECT_EQ(task.name, "quiz");
  EXPECT_EQ(task.folder, "quiz");
  EXPECT_EQ(task.kind, TaskKind::kChoice);
  EXPECT_EQ(task.shots, 3);
  EXPECT_EQ(task.shot_order, ShotOrder::kFirst);
  EXPECT_EQ(task.split, Split::kValidation);
  EXPECT_TRUE(task.draws_spare);
  EXPECT_FALSE(quiz().draws_spare);
  EXPECT_TRUE(quiz("shots-from = \"test\"\n").draws_spare);
  EXPECT_FALSE(quiz("split = \"validation\"\nshots-from = \"train\"\n").draws_spare);
  EXPECT_EQ(task.description(""), "D");
  const TaskItem item = task.item(record(R"({"q": "Q?", "a": 1})"));
  EXPECT_EQ(item.contexts, std::vector<std::string>{"Q?\n"});  // the line end at its end stays
  EXPECT_EQ(item.choices, (std::vector<std::string>{"yes", "no Q?"}));
  EXPECT_EQ(item.gold, 1);
  EXPECT_EQ(item.shot, "Q?\n no Q?");
  EXPECT_EQ(task.item(record(R"({"q": "Q?", "a": "yes"})")).gold, 0);
  TaskAnswer answer;
  answer.log_likelihoods = {-1.0, -1.5};
  EXPECT_EQ(task.score(item, answer), (ItemScores{{"acc", 0.0}}));
  EXPECT_EQ(task.quoted, "acc");
  EXPECT_EQ(quiz("metrics = [\"acc_norm\"]\n").quoted, "acc_norm");
  EXPECT_EQ(quiz("metrics = [\"acc\", \"acc_norm\"]").score(item, answer),
            (ItemScores{{"acc", 0.0}, {"acc_norm", 1.0}}));
}

TEST(CustomTask, RefusesRecordsThatDoNotFit) {
  const Task task = quiz();
  expect_error(ErrorCode::kCorruptFile, {"quiz.jsonl:7", "'q' is undefined"},
               [&] { task.item(record(R"({"question": "Q?", "a": 1})")); });
  expect_error(ErrorCode::kCorruptFile, {"quiz.jsonl:7", "'maybe'", "none of the 2 choices"},
               [&] { task.item(record(R"({"q": "Q?", "a": "maybe"})")); });
  expect_error(ErrorCode::kCorruptFile, {"quiz.jsonl:7", "'2'"},
               [&] { task.item(record(R"({"q": "Q?", "a": 2})")); });
}

TEST(CustomTask, ExtractsAGeneratedAnswer) {
  const std::string head = "name = \"n\"\nkind = \"generate\"\nprompt = \"{{q}}\"\nanswer = \"{{a}}\"\n";
  const auto score = [&](const std::string& more, const char* answer, const char* text) {
    const Task task = parse_custom_task(head + more, "n.toml");
    EXPECT_EQ(task.kind, TaskKind::kGenerate);
    TaskAnswer given;
    given.text = text;
    const std::string json = std::string(R"({"q": "Q", "a": ")") + answer + "\"}";
    return task.score(task.item(record(json.c_str())), given).at("exact_match");
  };
  EXPECT_EQ(score("", "forty", "forty"), 1.0);
  EXPECT_EQ(score("", "forty", "Forty"), 0.0);
  EXPECT_EQ(score("ignore-case = true\n", "forty", "Forty"), 1.0);
  EXPECT_EQ(score("regex = \"#([0-9]+)\"\n", "42", "so #42, then #7"), 1.0);
  EXPECT_EQ(score("regex = \"#([0-9]+)\"\ntake = \"last\"\n", "7", "so #42, then #7"), 1.0);
  EXPECT_EQ(score("regex = \"[0-9]+\"\n", "42", "é 42"), 1.0);
  EXPECT_EQ(score("regex = \"(x)|([0-9]+)\"\n", "42", "42"), 1.0);  // the first group that took part
  EXPECT_EQ(score("regex = \"[0-9]+\"\n", "42", "none"), 0.0);
  EXPECT_EQ(score("regex = \"[0-9]+\"\n", "[invalid]", "none"), 1.0);
  // A text that ends within a character.
  EXPECT_EQ(score("ignore-case = true\n", "42", "42\xff\xe2\x82"), 0.0);
  EXPECT_EQ(score("ignore-case = true\nregex = \"[0-9]+\"\n", "42", "\xe2\x82 42\xff\xf0\x9f"), 1.0);
  const Task task = parse_custom_task(head + "stop = [\"\\n\"]\nmax-tokens = 9\n", "n.toml");
  EXPECT_EQ(task.stop, std::vector<std::string>{"\n"});
  EXPECT_EQ(task.max_new_tokens, 9);
}

TEST(CustomTask, RefusesFilesThatDoNotSay) {
  const std::string whole = "name = \"n\"\nprompt = \"p\"\nchoices = [\"a\", \"b\"]\nanswer = \"0\"\n";
  EXPECT_NO_THROW(parse_custom_task(whole, "n.toml"));
  const auto refused = [&](const std::string& text, std::initializer_list<std::string_view> parts) {
    expect_error(ErrorCode::kInvalidArgument, parts, [&] { parse_custom_task(text, "n.toml"); });
  };
  refused("prompt = \"p\"\nanswer = \"0\"\n", {"n.toml", "name", "missing"});
  refused("name = \"a/b\"\nprompt = \"p\"\n", {"n.toml:1", "name", "folder"});
  refused("name = \"n\"\nanswer = \"0\"\n", {"prompt", "missing"});
  refused("name = \"n\"\nprompt = \"p\"\nchoices = [\"a\"]\n", {"answer", "missing"});
  refused("name = \"n\"\nprompt = \"p\"\nanswer = \"0\"\n", {"choices", "choices-field"});
  refused(whole + "choices-field = \"c\"\n", {"choices", "only one"});
  refused(whole + "kind = \"rank\"\n", {"n.toml:5", "kind", "generate"});
  refused(whole + "metrics = [\"f1\"]\n", {"metrics", "\"f1\"", "acc_norm"});
  refused(whole + "split = \"dev\"\n", {"split", "validation"});
  refused(whole + "shots = -1\n", {"shots", "0 to 1000"});
  refused(whole + "shot-order = \"any\"\n", {"shot-order", "drawn"});
  refused(whole + "regex = \"a\"\n", {"n.toml:5", "regex"});  // of texts only
  refused("name = \"n\"\nkind = \"generate\"\nprompt = \"p\"\nanswer = \"0\"\ntake = \"best\"\n", {"take"});
  EXPECT_THROW(parse_custom_task(whole + "description = \"\n", "n.toml"), Error);
  EXPECT_THROW(
      parse_custom_task("name = \"n\"\nprompt = \"{{p\"\nchoices = [\"a\"]\nanswer = \"0\"\n", "n.toml"),
      Error);
  EXPECT_THROW(read_custom_task("/nowhere/n.toml"), Error);
}

}  // namespace
}  // namespace lq
