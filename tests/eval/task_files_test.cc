#include "eval/task_files.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

void put(const std::filesystem::path& path, const char* text) {
  std::filesystem::create_directories(path.parent_path());
  put_file(path, text);
}

TEST(TaskFiles, FindsTheSplitByItsPublishedNames) {
  const TempDir dir;
  put(dir / "t/dev.jsonl", "{\"a\": 1}\n{\"a\": \"2\"}\n");
  put(dir / "t/train_first500.jsonl", "{\"a\": 3}\n");
  put(dir / "t/notes.md", "no records");
  const auto validation = task_files(dir.path(), "t", Split::kValidation, false);
  ASSERT_EQ(validation.size(), 1U);
  const auto records = read_task_records(validation[0]);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].integer("a"), 1);
  EXPECT_EQ(records[1].integer("a"), 2);
  EXPECT_EQ(task_files(dir.path(), "t", Split::kTrain, false)[0].path.filename(), "train_first500.jsonl");
  put(dir / "t/train.jsonl", "{\"a\": 4}\n");
  EXPECT_EQ(task_files(dir.path(), "t", Split::kTrain, false)[0].path.filename(), "train.jsonl");
  expect_error(ErrorCode::kNotFound, {"no test split", "test.jsonl"},
               [&] { task_files(dir.path(), "t", Split::kTest, false); });
  expect_error(ErrorCode::kNotFound, {"no such folder", "other"},
               [&] { task_files(dir.path(), "other", Split::kTest, false); });
}

TEST(TaskFiles, OneFileAGroup) {
  const TempDir dir;
  put(dir / "mmlu/test/virology_test.csv", "question,answer\nx,1\n");
  put(dir / "mmlu/test/anatomy_test.csv", "question,answer\nx,1\n");
  const auto files = task_files(dir.path(), "mmlu", Split::kTest, true);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].group, "anatomy");
  EXPECT_EQ(files[1].group, "virology");
  EXPECT_EQ(read_task_records(files[0])[0].group(), "anatomy");
}

TEST(TaskFiles, LabelsBesideTheDocuments) {
  const TempDir dir;
  put(dir / "piqa/valid.jsonl", "{\"goal\": \"a\"}\n{\"goal\": \"b\"}\n");
  put(dir / "piqa/valid-labels.lst", "0\n1\n");
  const auto file = task_files(dir.path(), "piqa", Split::kValidation, false)[0];
  EXPECT_EQ(read_task_records(file)[1].label(), "1");
  put(dir / "piqa/valid-labels.lst", "0\n");
  expect_error(ErrorCode::kCorruptFile, {"1 labels"}, [&] { read_task_records(file); });
  put(dir / "piqa/valid-labels.lst", "0\n1\n1\n");
  expect_error(ErrorCode::kCorruptFile, {"3 labels"}, [&] { read_task_records(file); });
}

TEST(TaskFiles, NothingInTheFileIsSaid) {
  const TempDir dir;
  put(dir / "t/test.jsonl", "\n");
  expect_error(ErrorCode::kCorruptFile, {"test.jsonl"},
               [&] { read_task_records(task_files(dir.path(), "t", Split::kTest, false)[0]); });
}

TEST(TaskFiles, ATableOfAGroupNeedsNoRowOfNames) {
  const TempDir dir;
  put(dir / "mmlu/test/a_test.csv", "\"What, then?\",none,none,2,3,B\nQ,1,2,3,4,A\n");
  put(dir / "mmlu/test/b_test.csv", "question,A,B,C,D,answer\nQ,1,2,3,4,D\n");
  const auto files = task_files(dir.path(), "mmlu", Split::kTest, true);
  const auto bare = read_task_records(files[0]);
  ASSERT_EQ(bare.size(), 2U);
  EXPECT_EQ(bare[0].text("question"), "What, then?");
  EXPECT_EQ(bare[0].text("B"), "none");
  EXPECT_EQ(bare[1].text("answer"), "A");
  const auto named = read_task_records(files[1]);
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0].text("answer"), "D");
}

}  // namespace
}  // namespace lq
