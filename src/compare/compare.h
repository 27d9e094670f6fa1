// `lqlora compare`: methods x budgets x seeds from one recipe, into one table and one plot.
#pragma once

#include <cstdint>
#include <filesystem>

#include "compare/compare_recipe.h"
#include "compare/compare_result.h"
#include "tensor/context.h"

namespace lq {

struct CompareReport {
  CompareTable table;
  std::int64_t runs = 0;      // fine-tunings of the grid
  std::int64_t computed = 0;  // of them, by this call
  double seconds = 0.0;
};

// Makes what OUT does not have yet (compare_cells.h says where it lies) and writes OUT/table.json,
// OUT/table.md and OUT/figure.svg, first when all bases are there, then after every fine-tuning. Bases are
// made once, with ctx.seed; a recipe's seeds are those of fine-tuning: order of the data, random starts,
// dropout. Killed, the same call goes on, within a fine-tuning from its last checkpoint. A recipe may gain
// methods, bits and seeds; other changes are refused where they meet a finished cell, which is named, unless
// `overwrite`. Throws Error as recipe, CompareFolder and the stages do; what can be wrong with texts and
// examples is found before the work starts.
CompareReport compare(Context& ctx, const CompareRecipe& recipe, const std::filesystem::path& out,
                      bool overwrite = false);

}  // namespace lq
