// The examples before a question: which documents, in which order, and when there are too few.
#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/run_tasks.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

class AskedItems : public ::testing::Test {
 protected:
  AskedItems() { options_.data = dir_.path(); }

  void put(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((dir_ / file).parent_path());
    io_test::put_file(dir_ / file, text);
  }
  // `count` questions of ARC by the name's letter: "T0", "T1", ...
  static std::string arc(const std::string& letter, int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      lines += R"({"question": ")" + letter + std::to_string(i) +
               R"(", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "A"})" + "\n";
    }
    return lines;
  }
  static std::string piqa(const std::string& goal) {
    return R"({"goal": ")" + goal + R"(", "sol1": "a", "sol2": "b", "label": 0})" + "\n";
  }
  std::vector<AskedItem> asked(const char* task) const { return asked_items(find_task(task), options_); }

  io_test::TempDir dir_;
  TaskOptions options_;
};

// The numbers of the questions T... in what stands before an item.
std::vector<std::string> shown(const AskedItem& item) {
  std::vector<std::string> names;
  for (std::size_t at = 0; (at = item.before.find("Question: T", at)) != std::string::npos; ++at) {
    names.push_back(item.before.substr(at + 11, item.before.find('\n', at) - at - 11));
  }
  return names;
}

TEST_F(AskedItems, DrawnExamplesAreTheHarnesss) {
  put("arc_easy/train.jsonl", arc("T", 40));
  put("arc_easy/test.jsonl", arc("Q", 2));
  options_.shots = 3;
  // random.Random(1234): sample(range(40), 3) twice gives [28, 7, 0] and [5, 37, 2] (Python 3.11).
  const auto items = asked("arc_easy");
  EXPECT_EQ(shown(items[0]), (std::vector<std::string>{"28", "7", "0"}));
  EXPECT_EQ(shown(items[1]), (std::vector<std::string>{"5", "37", "2"}));
}

// With fewer documents the first ones see the same examples: they are drawn in the documents' order.
TEST_F(AskedItems, ALimitTakesTheFirstDocumentsAndChangesNothingBeforeThem) {
  put("arc_easy/train.jsonl", arc("T", 40));
  put("arc_easy/test.jsonl", arc("Q", 5));
  options_.shots = 2;
  const auto all = asked("arc_easy");
  options_.limit = 3;
  const auto some = asked("arc_easy");
  ASSERT_EQ(all.size(), 5U);
  ASSERT_EQ(some.size(), 3U);
  for (std::size_t i = 0; i < some.size(); ++i) {
    EXPECT_EQ(some[i].before, all[i].before);
    EXPECT_EQ(some[i].item, all[i].item);
  }
}

TEST_F(AskedItems, FirstExamplesStandInTheirOrderBehindTheDescription) {
  const std::string header = "question,choice0,choice1,choice2,choice3,answer\n";
  put("mmlu/test/anatomy_test.csv", header + "Q1,a,b,c,d,0\nQ2,a,b,c,d,1\n");
  put("mmlu/dev/anatomy_dev.csv", header + "D1,a,b,c,d,2\nD2,a,b,c,d,3\nD3,a,b,c,d,0\n");
  options_.shots = 2;
  const auto items = asked("mmlu");
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[1].before,
            "The following are multiple choice questions (with answers) about anatomy.\n\n"
            "D1\nA. a\nB. b\nC. c\nD. d\nAnswer: C\n\nD2\nA. a\nB. b\nC. c\nD. d\nAnswer: D\n\n");
  EXPECT_EQ(items[1].item.contexts[0], "Q2\nA. a\nB. b\nC. c\nD. d\nAnswer:");
  options_.shots = 4;
  expect_error(ErrorCode::kInvalidArgument, {"mmlu", "4 examples", "3 documents"}, [&] { asked("mmlu"); });
}

// Each subject's questions are shown that subject's examples.
TEST_F(AskedItems, ExamplesAreOfTheSameGroup) {
  for (const std::string group : {"anatomy", "virology"}) {
    put("mmlu/test/" + group + "_test.csv", "Q of " + group + ",a,b,c,d,A\n");
    put("mmlu/dev/" + group + "_dev.csv", "D of " + group + ",a,b,c,d,B\n");
  }
  options_.shots = 1;
  const auto items = asked("mmlu");
  ASSERT_EQ(items.size(), 2U);
  for (const AskedItem& item : items) {
    EXPECT_NE(item.before.find("D of " + item.item.group), std::string::npos) << item.before;
    EXPECT_EQ(item.before.find("D of ", item.before.find("D of ") + 1), std::string::npos);
  }
}

TEST_F(AskedItems, WithoutExamplesTheirFilesAreNotNeeded) {
  put("arc_easy/test.jsonl", arc("Q", 1));
  options_.shots = 0;
  EXPECT_EQ(asked("arc_easy")[0].before, "");
  options_.shots = 1;
  expect_error(ErrorCode::kNotFound, {"arc_easy", "train"}, [&] { asked("arc_easy"); });
}

TEST_F(AskedItems, ADocumentIsNotItsOwnExample) {
  put("piqa/valid.jsonl", piqa("T0") + piqa("T1"));
  // Three of four are the first document: whatever is drawn, they are left out.
  put("piqa/train.jsonl", piqa("T0") + piqa("T0") + piqa("T0") + piqa("T2"));
  options_.shots = 1;
  const auto items = asked("piqa");
  EXPECT_NE(items[0].before.find("T2"), std::string::npos);
  EXPECT_EQ(items[0].before.find("T0"), std::string::npos);
  options_.shots = 2;
  expect_error(ErrorCode::kInvalidArgument, {"piqa", "2 examples", "1 documents differ"},
               [&] { asked("piqa"); });
  options_.shots = 4;
  expect_error(ErrorCode::kInvalidArgument, {"piqa", "4 examples"}, [&] { asked("piqa"); });
}

}  // namespace
}  // namespace lq
