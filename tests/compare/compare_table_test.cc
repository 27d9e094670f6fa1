#include "compare/compare_table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lq {
namespace {

CompareTable small_table() {
  CompareTable t;
  t.model = "quill";
  t.rank = 8;
  t.seeds = {0, 1};
  t.texts = {"a.txt", "b.txt"};
  t.seq_len = 512;
  t.dense = {{64.0, 4.1, 9, std::nullopt}, {32.0, 3.4, 9, std::nullopt}};
  t.rows.resize(3);
  t.rows[0].method = CompareMethod::kLora;
  t.rows[1].method = CompareMethod::kOurs;
  t.rows[1].budget = 2.5;
  t.rows[1].lr = 0.005;
  t.rows[2].method = CompareMethod::kGptqLora;
  t.rows[2].budget = 2.5;
  t.rows[2].why_not = "one width";
  for (std::size_t i = 0; i < 2; ++i) {
    CompareBase base;
    base.bits = i == 0 ? 16.0 : 2.499;
    base.texts = {{70.0, 4.2, 9, 0.25}, {40.0, 3.6, 9, 0.5}};
    if (i == 1) base.shared = {{"statistics", 18.0}};
    t.rows[i].base = base;
    for (const std::uint64_t seed : {0, 1}) {
      CompareRun run;
      run.seed = seed;
      run.final_loss = 3.0;
      run.seconds = 10.0 + static_cast<double>(seed);
      run.bits_with_low_rank = base.bits + 1.0;
      run.peak_rss_bytes = 1 << (20 + seed);
      const double p = 30.0 + 2.0 * static_cast<double>(i) + static_cast<double>(seed);
      run.texts = {{p, 3.4, 9, std::nullopt}, {p / 2, 2.7, 9, std::nullopt}};
      t.rows[i].runs.push_back(run);
    }
  }
  return t;
}

TEST(CompareTable, RowsHoldMeansAndSpreads) {
  const TextTable t = compare_text_table(small_table(), 0);
  ASSERT_EQ(t.rows.size(), 3u);
  for (const auto& row : t.rows) EXPECT_EQ(row.size(), t.header.size());
  EXPECT_EQ(t.rows[1],
            (std::vector<std::string>{"ours", "2.5", "2.499", "3.499", "70.000", "0.2500", "32.500 ±0.707",
                                      "2.000 ±0.000", "3.0000", "10.5", "2.0 MiB"}));
  EXPECT_EQ(t.rows[2][2], "none");
  EXPECT_EQ(t.rows[2][6], "-");
}

TEST(CompareTable, JsonHasTheSameNumbers) {
  const nlohmann::json json = compare_table_json(small_table());
  EXPECT_EQ(json["dense_perplexity"], (nlohmann::json{64.0, 32.0}));
  const auto& row = json["rows"][1];
  EXPECT_EQ(row["method"], "ours");
  EXPECT_EQ(row["bits_per_weight"], 2.499);
  EXPECT_EQ(row["texts"][1]["perplexity_before"], 40.0);
  EXPECT_EQ(row["texts"][1]["perplexity"], 16.25);
  EXPECT_EQ(row["texts"][0]["above_lora"], 2.0);
  EXPECT_EQ(row["peak_rss_bytes"], 2 << 20);
  EXPECT_EQ(row["runs"].size(), 2u);
  EXPECT_EQ(json["rows"][2]["why_not"], "one width");
  EXPECT_FALSE(json["rows"][2].contains("bits_per_weight"));
  EXPECT_TRUE(json["rows"][0]["budget"].is_null());
}

TEST(CompareTable, MarkdownNamesTextsAndWhatWasLeftOut) {
  const std::string md = compare_table_markdown(small_table());
  EXPECT_NE(md.find("b.txt (dense model, not fine-tuned: 32.000)"), std::string::npos) << md;
  EXPECT_NE(md.find("| ours | 2.5 | 2.499 |"), std::string::npos) << md;
  EXPECT_NE(md.find("None: GPTQ-LoRA at 2.5 bits: one width."), std::string::npos) << md;
  EXPECT_NE(md.find("Learning rates: ours 0.005."), std::string::npos) << md;
  EXPECT_NE(md.find("statistics 18.0 s"), std::string::npos) << md;
}

TEST(CompareTable, StandsBeforeAnyRun) {
  CompareTable t = small_table();
  for (CompareRow& row : t.rows) row.runs.clear();
  EXPECT_EQ(compare_text_table(t, 1).rows[0][6], "-");
  EXPECT_TRUE(compare_table_json(t)["rows"][0]["texts"][0]["perplexity"].is_null());
}

TEST(CompareTable, BenchmarksAreColumns) {
  CompareTable t = small_table();
  t.tasks = {"arc_easy"};
  t.dense_tasks = {{"acc_norm", 0.5, {}}};
  for (std::size_t i = 0; i < 2; ++i) {
    t.rows[i].base->tasks = {{"acc_norm", 0.25, i == 1 ? std::optional(0.125) : std::nullopt}};
    for (std::size_t k = 0; k < 2; ++k)
      t.rows[i].runs[k].tasks = {{"acc_norm", 0.5 + 0.25 * static_cast<double>(k), {}}};
  }
  const TextTable table = compare_task_table(t);
  EXPECT_EQ(table.header,
            (std::vector<std::string>{"method", "budget", "bits", "arc_easy acc_norm (flips)", "after"}));
  ASSERT_EQ(table.rows.size(), 3U);  // the dense model, and the methods that have one
  EXPECT_EQ(table.rows[0][3], "0.5000");
  EXPECT_EQ(table.rows[2],
            (std::vector<std::string>{"ours", "2.5", "2.499", "0.2500 (0.125)", "0.6250 ±0.1768"}));
  const nlohmann::json json = compare_table_json(t);
  EXPECT_EQ(json["tasks"][0]["dense"], 0.5);
  EXPECT_EQ(json["rows"][1]["tasks"][0]["after"], 0.625);
  EXPECT_EQ(json["rows"][1]["tasks"][0]["flips"], 0.125);
  EXPECT_NE(compare_table_markdown(t).find("| arc_easy acc_norm (flips) |"), std::string::npos);
  EXPECT_FALSE(nlohmann::json(compare_table_json(small_table())).contains("tasks"));
}

}  // namespace
}  // namespace lq
