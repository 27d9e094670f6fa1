#include "compare/compare_result.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace lq {
namespace {

CompareRun run_of(std::uint64_t seed, double perplexity) {
  CompareRun run;
  run.seed = seed;
  run.texts = {{perplexity, std::log(perplexity), 10, std::nullopt}};
  return run;
}

TEST(CompareResult, SpreadIsTheSampleDeviation) {
  const Spread one = spread_of({3.0});
  EXPECT_EQ(one.mean, 3.0);
  EXPECT_FALSE(one.deviation);
  const Spread three = spread_of({1.0, 2.0, 6.0});
  EXPECT_DOUBLE_EQ(three.mean, 3.0);
  EXPECT_DOUBLE_EQ(*three.deviation, std::sqrt((4.0 + 1.0 + 9.0) / 2.0));
}

TEST(CompareResult, AboveLoraPairsSeeds) {
  CompareTable table;
  table.rows.resize(2);
  table.rows[0].method = CompareMethod::kLora;
  table.rows[0].runs = {run_of(1, 10.0), run_of(2, 20.0)};
  table.rows[1].method = CompareMethod::kOurs;
  table.rows[1].runs = {run_of(2, 21.0), run_of(1, 11.0), run_of(9, 50.0)};
  const auto above = above_lora(table, table.rows[1], 0);
  ASSERT_TRUE(above);
  EXPECT_EQ(above->count, 2u);
  EXPECT_DOUBLE_EQ(above->mean, 1.0);
  EXPECT_DOUBLE_EQ(*above->deviation, 0.0);  // the seeds' own noise is gone
  EXPECT_FALSE(above_lora(table, table.rows[0], 0));
  EXPECT_DOUBLE_EQ(perplexity_after(table.rows[0], 0)->mean, 15.0);
  EXPECT_FALSE(perplexity_after(CompareRow(), 0));
}

TEST(CompareResult, AFailedRunSaysWhy) {
  CompareRun run;
  run.seed = 3;
  run.lr = 10.0;
  run.failure = "[train] not finite";
  const CompareRun back = compare_run_from_json(to_json(run), "r.json");
  EXPECT_EQ(back.seed, 3u);
  EXPECT_EQ(back.lr, 10.0);
  EXPECT_EQ(back.failure, run.failure);
}

TEST(CompareResult, TheBestTrialHasTheLeastValidationLoss) {
  std::vector<CompareRun> trials(4);
  for (std::size_t i = 0; i < trials.size(); ++i) trials[i].lr = static_cast<double>(i);
  trials[0].validation_loss = std::nan("");
  trials[2].validation_loss = 3.0;
  trials[3].validation_loss = 3.0;
  EXPECT_EQ(best_trial(trials).lr, 2.0);
  trials[1].validation_loss = 2.5;
  EXPECT_EQ(best_trial(trials).lr, 1.0);
}

TEST(CompareResult, SharedStagesAreNamedOnce) {
  CompareTable table;
  table.rows.resize(3);
  for (std::size_t i = 0; i < 2; ++i) table.rows[i].base = CompareBase();
  table.rows[0].base->shared = {{"statistics", 1.0}, {"table-a", 2.0}};
  table.rows[1].base->shared = {{"statistics", 1.0}, {"table-b", 3.0}};
  EXPECT_EQ(shared_stages(table), (std::vector<std::pair<std::string, double>>{
                                      {"statistics", 1.0}, {"table-a", 2.0}, {"table-b", 3.0}}));
}

TEST(CompareResult, JsonKeepsEveryNumber) {
  CompareBase base;
  base.bits = 2.5;
  base.relative_error = 1.0 / 3.0;
  base.peak_rss_bytes = 99;
  base.shared = {{"statistics", 1.5}};
  base.texts = {{34.1, 3.5, 7, 0.01}, {2.0, 0.7, 8, std::nullopt}};
  EXPECT_EQ(to_json(compare_base_from_json(to_json(base), "x")), to_json(base));
  EXPECT_FALSE(compare_base_from_json(to_json(base), "x").seconds);
  base.seconds = 1.5;
  EXPECT_EQ(compare_base_from_json(to_json(base), "x").seconds, 1.5);
  CompareRun run = run_of(7, 12.0);
  run.steps = 4;
  run.final_loss = 0.1;
  run.bits_with_low_rank = 4.75;
  EXPECT_EQ(to_json(compare_run_from_json(to_json(run), "x")), to_json(run));
  EXPECT_EQ(compare_run_from_json(to_json(run), "x").bits_with_low_rank, 4.75);
  EXPECT_THROW(compare_run_from_json({{"seed", 1}}, "x"), Error);
}

TEST(CompareResult, BenchmarksComeBackFromJson) {
  CompareBase base;
  base.tasks = {{"acc", 0.5, 0.25}};
  const CompareBase again = compare_base_from_json(to_json(base), "base.json");
  ASSERT_EQ(again.tasks.size(), 1U);
  EXPECT_EQ(again.tasks[0].metric, "acc");
  EXPECT_EQ(again.tasks[0].flips, 0.25);
  nlohmann::json old = to_json(base);  // written before there were benchmarks
  old.erase("tasks");
  EXPECT_TRUE(compare_base_from_json(old, "base.json").tasks.empty());
  CompareRow row;
  EXPECT_FALSE(task_after(row, 0));
}

}  // namespace
}  // namespace lq
