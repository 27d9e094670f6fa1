#include "compare/compare_jobs.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

class CompareJobsTest : public testing::Test {
 protected:
  CompareJobsTest() {
    io_test::put_file(dir_ / "learnt.txt", "What is learnt.\n");
    io_test::put_file(dir_ / "calibration.txt", "What statistics are of.\n");
    recipe_.rank = 8;
    recipe_.finetune.data.train = {{.path = dir_ / "learnt.txt"}};
    recipe_.finetune_settings = {{"seq-len", 128}};
    recipe_.calibration.data = dir_ / "calibration.txt";
  }

  CompareJobs jobs(std::uint64_t seed = 0) const {
    return {recipe_, "model", "config", {"A held-out text."}, seed};
  }

  io_test::TempDir dir_;
  CompareRecipe recipe_;
};

TEST_F(CompareJobsTest, AnotherFileLearntFromIsAnotherRunOfTheSameBase) {
  const CompareJobs before = jobs();
  io_test::put_file(dir_ / "learnt.txt", "Something else.\n");
  const CompareJobs after = jobs();
  EXPECT_NE(before.run(CompareMethod::kOurs, 2.5, 0, 1e-3), after.run(CompareMethod::kOurs, 2.5, 0, 1e-3));
  EXPECT_EQ(before.base(CompareMethod::kOurs, 2.5), after.base(CompareMethod::kOurs, 2.5));
}

TEST_F(CompareJobsTest, OnlyMethodsWithStatisticsDependOnTheirText) {
  const CompareJobs before = jobs();
  const auto ours = before.base(CompareMethod::kOurs, 2.5);
  const auto plain = before.base(CompareMethod::kLq, 2.5);
  io_test::put_file(dir_ / "calibration.txt", "Something else.\n");
  const CompareJobs after = jobs();
  EXPECT_NE(after.base(CompareMethod::kOurs, 2.5), ours);
  EXPECT_EQ(after.base(CompareMethod::kLq, 2.5), plain);
  EXPECT_EQ(after.table(ImportanceKind::kNone), before.table(ImportanceKind::kNone));
  EXPECT_FALSE(after.table(ImportanceKind::kNone).contains("statistics"));
  EXPECT_TRUE(after.table(ImportanceKind::kFisher).contains("statistics"));
}

TEST_F(CompareJobsTest, RunsDifferBySeedRateAndStart) {
  const CompareJobs all = jobs();
  const auto run = all.run(CompareMethod::kOurs, 2.5, 0, 1e-3);
  EXPECT_NE(all.run(CompareMethod::kOurs, 2.5, 1, 1e-3), run);
  EXPECT_NE(all.run(CompareMethod::kOurs, 2.5, 0, 2e-3), run);
  EXPECT_NE(all.run(CompareMethod::kOurs, 3.0, 0, 1e-3), run);
  // The same base; what learns lies beside its factors.
  const auto beside = all.run(CompareMethod::kOursBeside, 2.5, 0, 1e-3);
  EXPECT_EQ(beside["base"], run["base"]);
  EXPECT_NE(beside, run);
}

TEST_F(CompareJobsTest, FullFineTuningDependsOnNoOptionOfAdapters) {
  recipe_.adapter_settings = {"rank", "train"};
  const CompareJobs before = jobs();
  recipe_.rank = 16;
  recipe_.finetune_settings["train"] = {"pooler"};
  const CompareJobs after = jobs();
  EXPECT_EQ(after.run(CompareMethod::kFull, 0, 0, 1e-4), before.run(CompareMethod::kFull, 0, 0, 1e-4));
  EXPECT_NE(after.run(CompareMethod::kLora, 0, 0, 1e-4), before.run(CompareMethod::kLora, 0, 0, 1e-4));
  recipe_.finetune_settings["seq-len"] = 64;
  EXPECT_NE(jobs().run(CompareMethod::kFull, 0, 0, 1e-4), before.run(CompareMethod::kFull, 0, 0, 1e-4));
}

TEST_F(CompareJobsTest, ABenchmarkIsItsDocumentsLabelsAndExamples) {
  recipe_.tasks = {"piqa"};
  recipe_.tasks_data = dir_ / "tasks";
  const auto folder = dir_ / "tasks" / "piqa";
  io_test::put_file(folder / "valid.jsonl", "{}\n");
  io_test::put_file(folder / "valid-labels.lst", "0\n");
  io_test::put_file(folder / "train.jsonl", "{}\n");
  const auto plain = jobs().dense();
  io_test::put_file(folder / "train.jsonl", "{\"a\": 1}\n");
  EXPECT_EQ(jobs().dense(), plain) << "no examples are asked for";
  recipe_.shots = 1;
  const auto before = jobs().dense();
  io_test::put_file(folder / "train.jsonl", "{\"a\": 2}\n");
  const auto after = jobs().dense();
  EXPECT_NE(after, before);
  io_test::put_file(folder / "valid-labels.lst", "1\n");
  EXPECT_NE(jobs().dense(), after);
}

// They are of the dense model on what is learnt: how it is learnt and judged does not count.
TEST_F(CompareJobsTest, ATasksStatisticsDependOnItsTrainingFileAlone) {
  const auto folder = dir_ / "glue" / "CoLA";
  io_test::put_file(folder / "train.tsv", "s\t1\t\tthe film was good\ns\t0\t\tfilm the was\n");
  io_test::put_file(folder / "dev.tsv", "s\t1\t\tthe book was good\n");
  recipe_.finetune.data.train = {{.path = dir_ / "glue"}};
  recipe_.task = "cola";
  recipe_.task_loss = true;
  const CompareJobs before = jobs();
  recipe_.finetune_settings["train"] = {"pooler"};
  io_test::put_file(folder / "dev.tsv", "s\t0\t\twas book\n");
  const CompareJobs other_way = jobs();
  EXPECT_EQ(other_way.statistics(), before.statistics());
  EXPECT_NE(other_way.run(CompareMethod::kOurs, 2.5, 0, 1e-3),
            before.run(CompareMethod::kOurs, 2.5, 0, 1e-3));
  io_test::put_file(folder / "train.tsv", "s\t0\t\tthe film was good\n");
  EXPECT_NE(jobs().statistics(), before.statistics());
}

TEST_F(CompareJobsTest, TheDenseModelIsScoredWhateverIsLearnt) {
  const auto dense = jobs().dense();
  recipe_.finetune_settings = {{"seq-len", 256}};
  EXPECT_EQ(jobs(1).dense(), dense);
  EXPECT_EQ(jobs().base(CompareMethod::kLora, 0), dense);
  const CompareJobs other(recipe_, "model", "config", {"Another text."}, 0);
  EXPECT_NE(other.dense(), dense);
}

}  // namespace
}  // namespace lq
