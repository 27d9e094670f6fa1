#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/tasks/tasks.h"

namespace lq::tasks {
namespace {

TaskRecord text_record(nlohmann::ordered_json json) { return {std::move(json), "file.jsonl:1", "", nullptr}; }

TEST(TextTasks, LambadaAsksForTheLastWord) {
  const TaskItem item = lambada_item(text_record({{"text", "She went to the sea"}}));
  EXPECT_EQ(item.contexts, std::vector<std::string>{"She went to the"});
  EXPECT_EQ(item.choices, std::vector<std::string>{"sea"});
  EXPECT_THROW(lambada_item(text_record({{"text", "sea"}})), Error);
}

// Values from lm-evaluation-harness 0.4.13's wikitext_detokenizer.
TEST(TextTasks, WikiTextIsWrittenAsPeopleWriteIt) {
  EXPECT_EQ(wikitext_detokenized(
                " = Title = \n The boat 's 1 @,@ 000 @-@ ton ( big ) hull , it said . \" so \" it 's"),
            " = Title =\nThe boat's 1,000-ton (big) hull, it said. \"so\" it's");
  const TaskItem item = wikitext_item(text_record({{"page", " a b\n c "}}));
  EXPECT_EQ(item.words, 5);  // what Python's re.split(r"\s+") counts, the empty ends included
  EXPECT_EQ(item.bytes, 8);
}

TEST(TextTasks, Gsm8kExtractsNumbers) {
  const TaskItem item =
      gsm8k_item(text_record({{"question", "How many?"}, {"answer", "He has 1,000 + 2.\n#### 1,002"}}));
  EXPECT_EQ(item.shot, "Question: How many?\nAnswer: He has 1,000 + 2.\n#### 1,002");
  const auto score = [&](const char* text) {
    TaskAnswer answer;
    answer.text = text;
    const ItemScores s = gsm8k_score(item, answer);
    return std::pair(s.at("exact_match_strict"), s.at("exact_match_flexible"));
  };
  EXPECT_EQ(score(" That is so.\n#### 1002"), std::pair(1.0, 1.0));
  EXPECT_EQ(score(" #### 1,002."), std::pair(1.0, 1.0));
  EXPECT_EQ(score(" The answer is $1,002."), std::pair(0.0, 1.0));
  EXPECT_EQ(score(" #### 1002 of 7"), std::pair(1.0, 0.0));  // flexible takes the last number
  EXPECT_EQ(score(" none"), std::pair(0.0, 0.0));
}

}  // namespace
}  // namespace lq::tasks
