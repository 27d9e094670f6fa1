#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/tasks/tasks.h"

namespace lq::tasks {
namespace {

TaskRecord record(const char* json, nlohmann::ordered_json label = {}) {
  return {nlohmann::ordered_json::parse(json), "file.jsonl:1", "", std::move(label)};
}
using Texts = std::vector<std::string>;

TEST(ChoiceTasks, ArcInBothPublishedForms) {
  const TaskItem ai2 =
      arc_item(record(R"({"question": {"stem": "Why?", "choices": [{"text": "So", "label": "A"},
      {"text": "No", "label": "B"}]}, "answerKey": "B"})"));
  EXPECT_EQ(ai2.contexts, Texts{"Question: Why?\nAnswer:"});
  EXPECT_EQ(ai2.choices, (Texts{"So", "No"}));
  EXPECT_EQ(ai2.gold, 1);
  EXPECT_EQ(ai2.shot, "Question: Why?\nAnswer: No");
  const TaskItem hub = arc_item(record(
      R"({"question": "Why?", "choices": {"text": ["So", "No"], "label": ["1", "2"]}, "answerKey": "2"})"));
  EXPECT_EQ(hub, ai2);
  EXPECT_THROW(arc_item(record(
                   R"({"question": "Why?", "choices": {"text": ["So"], "label": ["A"]}, "answerKey": "B"})")),
               Error);
}

TEST(ChoiceTasks, OpenBookQaAsksTheStemAlone) {
  const TaskItem item = openbookqa_item(record(
      R"({"question_stem": "The sun is", "choices": {"text": ["hot", "cold"], "label": ["A", "B"]}, "answerKey": " A"})"));
  EXPECT_EQ(item.contexts, Texts{"The sun is"});
  EXPECT_EQ(item.gold, 0);
}

TEST(ChoiceTasks, HellaSwagCleansItsTexts) {
  EXPECT_EQ(hellaswag_text(" a [title] b [step] c  d "), "a. b c d");
  EXPECT_EQ(hellaswag_text("an open [ stays"), "an open [ stays");
  const TaskItem item = hellaswag_item(record(
      R"({"activity_label": "Tying", "ctx_a": "A man sits.", "ctx_b": "he Ties", "endings": ["a knot", "[x]b"], "label": "1"})"));
  EXPECT_EQ(item.contexts, Texts{"Tying: A man sits. He ties"});
  EXPECT_EQ(item.choices, (Texts{"a knot", "b"}));
  EXPECT_EQ(item.gold, 1);
  EXPECT_EQ(hellaswag_item(record(R"({"query": "Tying: A", "endings": ["a", "b"], "label": 0})")).contexts,
            Texts{"Tying: A"});
}

TEST(ChoiceTasks, WinograndeComparesTheSameEndBehindTwoBeginnings) {
  const TaskItem item = winogrande_item(record(
      R"({"sentence": "Ann saw Bea but _ ran. ", "option1": "Ann", "option2": "Bea", "answer": "2"})"));
  EXPECT_EQ(item.contexts, (Texts{"Ann saw Bea but Ann", "Ann saw Bea but Bea"}));
  EXPECT_EQ(item.choices, (Texts{"ran.", "ran."}));
  EXPECT_EQ(item.gold, 1);
  EXPECT_EQ(item.shot, "Ann saw Bea but Bea ran.");
  EXPECT_THROW(
      winogrande_item(record(R"({"sentence": "none", "option1": "a", "option2": "b", "answer": "1"})")),
      Error);
}

TEST(ChoiceTasks, PiqaTakesItsLabelFromEitherPlace) {
  const char* json = R"({"goal": "Cut", "sol1": "knife", "sol2": "spoon"})";
  EXPECT_EQ(piqa_item(record(json, "1")).gold, 1);
  EXPECT_EQ(piqa_item(record(json, "0")).contexts, Texts{"Question: Cut\nAnswer:"});
  EXPECT_THROW(piqa_item(record(json)), Error);
  EXPECT_THROW(piqa_item(record(json, "2")), Error);
}

TEST(ChoiceTasks, BoolQAsksForYesOrNo) {
  const TaskItem item = boolq_item(record(R"({"question": "is it", "passage": "It is.", "answer": true})"));
  EXPECT_EQ(item.contexts, Texts{"It is.\nQuestion: is it?\nAnswer:"});
  EXPECT_EQ(item.choices, (Texts{"no", "yes"}));
  EXPECT_EQ(item.gold, 1);
  EXPECT_EQ(boolq_item(record(R"({"question": "is it", "passage": "It is.", "label": 0})")).gold, 0);
}

TEST(ChoiceTasks, WhatIsNoDocumentIsRefusedWithItsPlace) {
  try {
    boolq_item(record(R"({"question": 5, "passage": "x", "label": 0})"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("file.jsonl:1: 'question'"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace lq::tasks
