#include "compare/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/process.h"
#include "compare/compare_cells.h"
#include "compare/compare_figure.h"
#include "compare/compare_grid.h"
#include "compare/compare_table.h"
#include "compare/grid_progress.h"
#include "files/atomic_file.h"
#include "files/json_file.h"
#include "train/lora_setup.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

// Examples as finetune will read them, so that what is wrong with them shows now; and what the work needs.
std::string check_and_describe(Context& ctx, const CompareRecipe& recipe, const CompareCells& cells,
                               const CompareTable& table) {
  const CheckpointPtr& checkpoint = cells.model();
  const auto tokenizer = Tokenizer::load(checkpoint->folder());
  Model model = Model::load(ctx, checkpoint);
  TrainingDataOptions data = recipe.finetune.data;
  data.examples.seed = ctx.seed;
  check_sequence_length(model.spec(), data.examples.max_length, recipe.file.string() + ": finetune.seq-len");
  const ExampleSet examples = read_training_data(data, checkpoint->folder(), *tokenizer, ctx.progress);
  TrainOptions train = recipe.finetune.train;
  train.batch.row_length = data.examples.max_length;
  const std::int64_t tokens = train.batch.rows * train.batch.row_length;
  std::int64_t bases = 0, disk = 0, memory = model.memory_estimate(tokens, true).total();
  for (const CompareRow& row : table.rows) {
    if (!row.why_not.empty() || !has_packed_base(row.method)) continue;
    QuantizeOptions o;
    o.selection = recipe.selection;
    o.budget.bits = row.budget;
    o.importance = compare_method_plan(row.method, recipe.rank).settings.importance;
    o.decompose.rank = recipe.rank;
    const QuantizeNeed need = quantize_need(*checkpoint, o, ctx.pool.threads());
    ++bases;
    disk += need.output_bytes;
    memory = std::max(memory, need.memory_bytes);
  }
  // The runs' own checks of rank and modules, on the dense model.
  const bool any_adapter = std::ranges::any_of(
      table.rows, [](const CompareRow& row) { return row.method != CompareMethod::kFull; });
  if (any_adapter) {
    LoraOptions lora = recipe.finetune.lora;
    lora.start = LoraStart::kZero;
    lora.rank = recipe.rank;
    if (lora.targets.empty()) lora.targets = cells.modules();
    (void)lora_setup(ctx, model, lora);
  }
  return fmt::format(
      "compare: {} packed bases, {} seeds, {} steps each on {} tokens of examples; needs about {} of memory "
      "and "
      "{} of disk for the bases",
      bases, recipe.seeds.size(), total_steps(examples, train), examples.tokens,
      human_bytes(static_cast<double>(memory)), human_bytes(static_cast<double>(disk)));
}

void publish(const CompareFolder& folder, const CompareTable& table) {
  write_json(folder.path("table.json"), compare_table_json(table));
  write_file_atomically(folder.path("table.md"), compare_table_markdown(table));
  write_file_atomically(folder.path("figure.svg"), compare_figure(table, 0));
}

}  // namespace

CompareReport compare(Context& ctx, const CompareRecipe& recipe, const fs::path& out, bool overwrite) {
  const double begin = monotonic_seconds();
  GridProgress progress(ctx.progress);
  Context inner{ctx.pool, progress, ctx.seed, ctx.stop};
  CompareFolder folder(out, recipe.inputs(), ctx.progress, overwrite);
  CompareCells cells(inner, recipe, folder);
  CompareReport report;
  CompareTable& table = report.table;
  table = empty_grid(recipe, cells.model_hash());
  progress.cell("compare");
  ctx.progress.note(check_and_describe(inner, recipe, cells, table));

  GridRun grid{.ctx = ctx,
               .progress = progress,
               .recipe = recipe,
               .cells = cells,
               .table = table,
               .verb = "compare",
               .publish = [&] { publish(folder, table); }};
  run_grid(grid);
  report.runs = grid.runs;
  report.computed = grid.computed;
  publish(folder, table);
  report.seconds = monotonic_seconds() - begin;
  return report;
}

}  // namespace lq
