#include "compare/text_table.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

TEST(TextTableTest, AsMarkdown) {
  const TextTable table{{"method", "bits"}, {{"LoRA", "16"}, {"ours", "2.5 ±0.1"}}};
  EXPECT_EQ(table.markdown(), "| method | bits |\n| --- | --- |\n| LoRA | 16 |\n| ours | 2.5 ±0.1 |\n\n");
}

TEST(TextTableTest, SpreadsAndBudgets) {
  EXPECT_EQ(spread_text(std::nullopt, 3), "-");
  EXPECT_EQ(spread_text(Spread{.mean = 32.5, .deviation = std::nullopt, .count = 1}, 1), "32.5");
  EXPECT_EQ(spread_text(Spread{.mean = 32.5, .deviation = 0.7071, .count = 2}, 3), "32.500 ±0.707");
  CompareRow row;
  EXPECT_EQ(budget_text(row), "-");
  row.budget = 2.5;
  EXPECT_EQ(budget_text(row), "2.5");
}

TEST(TextTableTest, RowsWithoutAModelSayWhy) {
  std::vector<CompareRow> rows(3);
  rows[1].method = CompareMethod::kGptqLora;
  rows[1].budget = 2.5;
  rows[1].why_not = "one width";
  EXPECT_EQ(left_out_remarks(rows), std::vector<std::string>{"None: GPTQ-LoRA at 2.5 bits: one width."});
}

}  // namespace
}  // namespace lq
