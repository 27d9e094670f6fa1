// What is decided before any matrix is decomposed, and what is refused then.
#include "jobs/quantize_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "allocate/solve.h"
#include "base/error.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"
#include "support/notes.h"

namespace lq {
namespace {

using io_test::TempDir;

class PlanTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write_tiny_model(dir_ / "model");
    model_ = Checkpoint::open(dir_ / "model");
    options_.decompose.rank = 4;
    for (const char* text : {"2,4,bf16,32,64", "3,4,bf16,32,64", "4,4,bf16,32,64"})
      options_.budget.configs.push_back(FormatSet().choice_of(text, "test"));
  }
  QuantizePlan plan(const char* work = "work") {
    return plan_quantization(context_, options_, model_, dir_ / work);
  }
  std::string refusal() {
    try {
      plan("refused");
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context context_{pool_, progress_, 0, {}};
  CheckpointPtr model_;
  PlanOptions options_;
};

TEST_F(PlanTest, WithoutABudgetNothingIsSweptOrAllocated) {
  options_.budget.configs.clear();
  const QuantizePlan made = plan();
  EXPECT_FALSE(made.allocation.has_value());
  EXPECT_FALSE(std::filesystem::exists(dir_ / "work" / "stages" / "table.json"));
}

TEST_F(PlanTest, ABudgetIsMetAndNothingBetterFits) {
  options_.budget.bits = 3.2;
  const QuantizePlan made = plan();
  ASSERT_TRUE(made.allocation.has_value());
  EXPECT_LE(made.allocation->bits_per_weight, 3.2 + 1e-9);
  EXPECT_GT(made.allocation->bits_per_weight, 2.9);
  // The table that it left is the one that it solved.
  const ErrorTable table = read_error_table(dir_ / "work" / "stages" / "table.json");
  const Allocation again = allocate(table, 3.2);
  EXPECT_EQ(again.objective, made.allocation->objective);
}

// A run after a kill takes the stages as they are: the table is not made again, as its changed bytes would
// show.
TEST_F(PlanTest, FinishedStagesAreUsedAgain) {
  options_.budget.bits = 3.2;
  const QuantizePlan first = plan();
  const auto table = dir_ / "work" / "stages" / "table.json";
  const auto written = std::filesystem::last_write_time(table);
  const QuantizePlan second = plan();
  EXPECT_EQ(std::filesystem::last_write_time(table), written);
  EXPECT_EQ(first.allocation->objective, second.allocation->objective);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "work" / "stages" / "table.work"));
}

TEST_F(PlanTest, WaysToGiveABudgetExcludeEachOther) {
  options_.budget.bits = 3.0;
  options_.budget.memory = 1 << 20;
  EXPECT_NE(refusal().find("excludes"), std::string::npos) << refusal();
  options_.budget = {};
  options_.ranks = parse_rank_choices("auto");
  EXPECT_NE(refusal().find("under a budget"), std::string::npos) << refusal();
}

TEST_F(PlanTest, AnImportanceNeedsStatistics) {
  options_.budget.bits = 3.0;
  options_.importance = ImportanceKind::kKfac;
  const std::string text = refusal();
  EXPECT_NE(text.find("importance"), std::string::npos) << text;
  EXPECT_NE(text.find("kfac"), std::string::npos) << text;
}

TEST_F(PlanTest, ABudgetBelowTheLeastPossibleSaysIt) {
  options_.budget.bits = 1.0;
  const std::string text = refusal();
  EXPECT_NE(text.find("2."), std::string::npos) << text;  // the least: two bits and scales
}

TEST_F(PlanTest, ATableOfAnotherModelIsRefusedByBothHashes) {
  options_.budget.bits = 3.2;
  plan();
  const auto table = dir_ / "work" / "stages" / "table.json";
  write_tiny_model(dir_ / "other", DType::kBf16);
  model_ = Checkpoint::open(dir_ / "other");
  options_.budget.table = table;
  const std::string text = refusal();
  EXPECT_NE(text.find(model_->hash(pool_, {})), std::string::npos) << text;
}

// What stays dense is no part of the average.
TEST_F(PlanTest, ATableIsCutToTheMatricesThatArePacked) {
  options_.budget.bits = 3.2;
  plan();
  options_.budget.table = dir_ / "work" / "stages" / "table.json";
  options_.selection.exclude = {"*self_attn*"};
  const QuantizePlan part = plan("part");
  EXPECT_GT(part.allocation->bits_per_weight, 2.9);
  EXPECT_LE(part.allocation->bits_per_weight, 3.2 + 1e-9);
  for (const AllocatedMatrix& m : part.allocation->choices) {
    EXPECT_EQ(m.name.find("self_attn"), std::string::npos) << m.name;
  }
}

TEST_F(PlanTest, AnAllocationIsOfThisModelAndOfAllItsMatrices) {
  options_.budget.bits = 3.2;
  Allocation made = *plan().allocation;
  const auto file = dir_ / "allocation.json";
  options_.budget = {};
  options_.budget.allocation = file;
  write_allocation(file, made);
  const Allocation again = *plan("again").allocation;
  ASSERT_EQ(again.choices.size(), made.choices.size());
  for (const AllocatedMatrix& m : made.choices) {
    EXPECT_EQ(std::ranges::find(again.choices, m.name, &AllocatedMatrix::name)->choice, m.choice) << m.name;
  }
  const std::string left_out = made.choices.back().name;
  made.choices.pop_back();
  write_allocation(file, made);
  EXPECT_NE(refusal().find("chooses nothing for " + left_out), std::string::npos) << refusal();
  made.model = std::string(32, '0');
  write_allocation(file, made);
  EXPECT_NE(refusal().find("is of model " + made.model), std::string::npos) << refusal();
}

TEST_F(PlanTest, ATableOfAnotherSweepIsSaid) {
  options_.budget.bits = 3.2;
  plan();
  options_.budget.table = dir_ / "work" / "stages" / "table.json";
  test::Notes notes;
  Context context{pool_, notes, 0, {}};
  plan_quantization(context, options_, model_, dir_ / "same");
  EXPECT_FALSE(notes.has("its errors are of")) << notes.text;
  options_.decompose.rank = 2;
  plan_quantization(context, options_, model_, dir_ / "other");
  EXPECT_TRUE(notes.has("its errors are of rank 4, not 2")) << notes.text;
}

}  // namespace
}  // namespace lq
