// `lqlora glue`: the paper's encoder table. Tasks x methods x budgets x seeds from one recipe, by the engine
// of `compare` (compare_grid.h), one grid a task.
#pragma once

#include <cstdint>
#include <filesystem>

#include "compare/compare_recipe.h"
#include "compare/glue_table.h"
#include "tensor/context.h"

namespace lq {

struct GlueReport {
  GlueTable table;
  std::int64_t runs = 0;      // fine-tunings of all grids
  std::int64_t computed = 0;  // of them, by this call
  double seconds = 0.0;
};

// Makes what OUT does not have yet and writes OUT/table.json, OUT/table.md and OUT/figure.svg after every
// fine-tuning; killed, the same call goes on. Refuses as compare does, and Error(kUnsupported) for a decoder,
// all before the work starts.
GlueReport glue(Context& ctx, const CompareRecipe& recipe, const std::filesystem::path& out,
                bool overwrite = false);

}  // namespace lq
