// The engine behind `compare` and `glue`: the rows of a table, made cell by cell, each kept where it is made.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "compare/compare_cells.h"
#include "compare/compare_recipe.h"
#include "compare/compare_result.h"
#include "compare/grid_progress.h"
#include "tensor/context.h"

namespace lq {

// A table of the recipe's methods and budgets with nothing in it yet. Rows that cannot be say why not.
CompareTable empty_grid(const CompareRecipe& recipe, const std::string& model_hash);

// "LQ-LoRA, 2.5 bits".
std::string grid_cell_title(const CompareRow& row);

struct GridRun {
  Context& ctx;            // notes and stopping
  GridProgress& progress;  // what the cells' own work goes to
  const CompareRecipe& recipe;
  CompareCells& cells;
  CompareTable& table;            // as empty_grid made it
  std::string_view verb;          // for notes
  std::function<void()> publish;  // the table has grown
  std::int64_t runs = 0;          // fine-tunings of the grid: out
  std::int64_t computed = 0;      // of them, by this call: out
};

// Makes what there is not yet: bases first, then fine-tunings, seed by seed; of several learning rates of a
// row the first seed picks one (best_trial). One at which nothing is learnt (NothingLearntError) counts as
// failed, and the others go on. Throws what cells throw.
void run_grid(GridRun& grid);

}  // namespace lq
