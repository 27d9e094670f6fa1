#include "compare/glue_table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lq {
namespace {

// Scores by task, then method, then seed; full first.
GlueTable table_of(const std::vector<std::vector<std::vector<double>>>& scores) {
  GlueTable table{{"rte", "stsb"}, {}};
  for (const auto& task : scores) {
    CompareTable& t = table.tables.emplace_back();
    t.model = "tiny";
    t.rank = 4;
    t.seeds = {0, 1};
    for (std::size_t m = 0; m < task.size(); ++m) {
      CompareRow& row = t.rows.emplace_back();
      row.method = m == 0 ? CompareMethod::kFull : CompareMethod::kLq;
      row.budget = m == 0 ? 0.0 : 2.5;
      row.lr = 1e-3;
      row.base.emplace().bits = m == 0 ? 32.0 : 2.49;
      for (std::size_t s = 0; s < task[m].size(); ++s) {
        CompareRun run;
        run.seed = s;
        run.score = task[m][s];
        row.runs.push_back(run);
      }
    }
  }
  return table;
}

TEST(GlueTableTest, AveragesAreSeedBySeed) {
  const GlueTable table = table_of({{{0.8, 0.9}, {0.6, 0.5}}, {{0.7, 0.9}, {0.6, 0.7}}});
  EXPECT_DOUBLE_EQ(task_score(table, 0, 0)->mean, 85.0);
  EXPECT_DOUBLE_EQ(average_score(table, 0)->mean, 82.5);  // of 75 and 90
  EXPECT_NEAR(*average_score(table, 0)->deviation, 15.0 / std::sqrt(2.0), 1e-9);
  EXPECT_NEAR(*average_score(table, 1)->deviation, 0.0, 1e-9);  // 60 and 60
  EXPECT_DOUBLE_EQ(*below_full(table, 1), 22.5);
  const TextTable text = glue_text_table(table);
  EXPECT_EQ(text.header, (std::vector<std::string>{"method", "budget", "bits", "with low rank", "RTE",
                                                   "STS-B", "average", "below full"}));
  EXPECT_EQ(text.rows[1][0], "LQ-LoRA");
  EXPECT_EQ(text.rows[1][4], "55.0 ±7.1");
  EXPECT_EQ(text.rows[1][7], "22.5");
  const auto json = glue_table_json(table);
  EXPECT_EQ(json["rows"][1]["tasks"]["rte"]["score"]["seeds"], 2);
  EXPECT_NE(glue_figure(table).find("LQ-LoRA"), std::string::npos);
}

TEST(GlueTableTest, WhatIsNotThereYetIsADash) {
  const GlueTable table = table_of({{{0.8}, {}}, {{}, {}}});
  EXPECT_EQ(average_score(table, 0), std::nullopt);
  EXPECT_EQ(below_full(table, 1), std::nullopt);
  const TextTable text = glue_text_table(table);
  EXPECT_EQ(text.rows[0][4], "80.0");
  EXPECT_EQ(text.rows[0][5], "-");
  EXPECT_EQ(text.rows[0][6], "-");
  EXPECT_TRUE(glue_table_json(table)["rows"][1]["average"].is_null());
}

}  // namespace
}  // namespace lq
