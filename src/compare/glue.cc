#include "compare/glue.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/process.h"
#include "compare/compare_cells.h"
#include "compare/compare_grid.h"
#include "files/atomic_file.h"
#include "files/json_file.h"
#include "jobs/finetune_task.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

void publish_glue(const CompareFolder& folder, const GlueTable& table) {
  write_json(folder.path("table.json"), glue_table_json(table));
  write_file_atomically(folder.path("table.md"), glue_table_markdown(table));
  write_file_atomically(folder.path("figure.svg"), glue_figure(table));
}

CompareRecipe recipe_of(const CompareRecipe& recipe, const std::string& task) {
  CompareRecipe one = recipe;
  one.task = task;
  one.finetune.task = task;
  return one;
}

}  // namespace

GlueReport glue(Context& ctx, const CompareRecipe& recipe, const fs::path& out, bool overwrite) {
  const double begin = monotonic_seconds();
  LQ_CHECK(!recipe.glue_tasks.empty(), kInvalidArgument, "{}: tasks names none", recipe.file.string());
  GridProgress progress(ctx.progress);
  Context inner{ctx.pool, progress, ctx.seed, ctx.stop};
  // All data first: what is wrong with them shows before the work.
  const CheckpointPtr model = Checkpoint::open(recipe.model);
  std::string examples;
  for (const std::string& task : recipe.glue_tasks) {
    const TaskData data = read_task_data(ctx, model, recipe_of(recipe, task).finetune);
    examples +=
        fmt::format("{}{} {}", examples.empty() ? "" : ", ", task, data.labelled.examples.train.size());
  }
  CompareFolder folder(out, recipe.inputs(), ctx.progress, overwrite);
  ctx.progress.note(fmt::format("glue: {} methods and {} seeds; training examples: {}", recipe.methods.size(),
                                recipe.seeds.size(), examples));

  GlueReport report;
  GlueTable& table = report.table;
  table.tasks = recipe.glue_tasks;
  std::vector<CompareRecipe> recipes;
  for (const std::string& task : recipe.glue_tasks) recipes.push_back(recipe_of(recipe, task));
  for (const CompareRecipe& one : recipes) table.tables.push_back(empty_grid(one, ""));
  for (std::size_t t = 0; t < recipes.size(); ++t) {
    ctx.progress.note(fmt::format("glue: task {} of {}: {}", t + 1, recipes.size(), recipes[t].task));
    CompareCells cells(inner, recipes[t], folder);
    for (CompareTable& any : table.tables) any.model_hash = cells.model_hash();
    GridRun grid{.ctx = ctx,
                 .progress = progress,
                 .recipe = recipes[t],
                 .cells = cells,
                 .table = table.tables[t],
                 .verb = "glue",
                 .publish = [&] { publish_glue(folder, table); }};
    run_grid(grid);
    report.runs += grid.runs;
    report.computed += grid.computed;
  }
  publish_glue(folder, table);
  report.seconds = monotonic_seconds() - begin;
  return report;
}

}  // namespace lq
