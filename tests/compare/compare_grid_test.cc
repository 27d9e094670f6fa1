#include "compare/compare_grid.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

TEST(CompareGrid, RowsAreMethodsTimesBudgetsAndSayWhatCannotBe) {
  CompareRecipe recipe;
  recipe.model = "models/tiny";
  recipe.methods = {CompareMethod::kFull, CompareMethod::kQloraUniform, CompareMethod::kLq};
  recipe.bits = {2.5, 3.0};
  recipe.rates = {1e-3};
  recipe.own_rates[CompareMethod::kLq] = {1e-3, 2e-3};
  const CompareTable table = empty_grid(recipe, "hash");
  ASSERT_EQ(table.rows.size(), 5U);
  EXPECT_EQ(table.model, "tiny");
  EXPECT_EQ(grid_cell_title(table.rows[0]), "full fine-tuning");
  EXPECT_EQ(grid_cell_title(table.rows[4]), "LQ-LoRA, 3 bits");
  EXPECT_NE(table.rows[1].why_not, "");  // no uniform model of 2.5 bits
  EXPECT_EQ(table.rows[2].why_not, "");
  EXPECT_EQ(table.rows[0].lr, 1e-3);
  EXPECT_EQ(table.rows[3].lr, 0.0);  // still to be picked
}

}  // namespace
}  // namespace lq
