#include "compare/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/process.h"
#include "compare/compare_cells.h"
#include "compare/compare_figure.h"
#include "compare/compare_table.h"
#include "compare/grid_progress.h"
#include "files/atomic_file.h"
#include "files/json_file.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs_of(const CompareRecipe& recipe) {
  std::vector<fs::path> inputs = {recipe.file, recipe.model};
  const CalibrationSource& c = recipe.calibration;
  for (const fs::path& path : {c.data, c.stats}) {
    if (!path.empty()) inputs.push_back(path);
  }
  for (const auto* list : {&recipe.finetune.data.train, &recipe.finetune.data.validation}) {
    for (const DataSource& source : *list) inputs.push_back(source.path);
  }
  inputs.insert(inputs.end(), recipe.texts.begin(), recipe.texts.end());
  if (!recipe.tasks_data.empty()) inputs.push_back(recipe.tasks_data);
  return inputs;
}

// The smallest budget that a mixture can meet.
double least_bits(const CompareRecipe& recipe) {
  double least = 16.0;
  for (const QuantChoice& c : recipe.choices_of(FormatSet()))
    least = std::min(least, choice_bits_per_weight(c));
  return least;
}

CompareTable empty_table(const CompareRecipe& recipe, const std::string& model_hash) {
  CompareTable table;
  table.model = recipe.model.filename().string();
  table.model_hash = model_hash;
  table.rank = recipe.rank;
  table.seeds = recipe.seeds;
  table.seq_len = recipe.text.seq_len;
  for (const fs::path& path : recipe.texts) table.texts.push_back(path.filename().string());
  table.tasks = recipe.tasks;
  const double least = least_bits(recipe);
  for (const CompareMethod method : recipe.methods) {
    const std::vector<double>& rates = recipe.rates_of(method);
    const double lr = rates.size() == 1 ? rates.front() : 0.0;
    if (!has_packed_base(method)) {
      table.rows.push_back({.method = method, .lr = lr, .why_not = {}, .base = {}, .runs = {}, .trials = {}});
      continue;
    }
    for (const double bits : recipe.bits) {
      std::string reason = why_not(method, bits);
      if (reason.empty() && bits < least && compare_method_plan(method, 1).mixed)
        reason = fmt::format("its configurations need at least {:.3f} bits", least);
      table.rows.push_back({.method = method,
                            .budget = bits,
                            .lr = lr,
                            .why_not = reason,
                            .base = {},
                            .runs = {},
                            .trials = {}});
    }
  }
  return table;
}

std::string cell_title(const CompareRow& row) {
  const std::string title(compare_method_title(row.method));
  return row.budget > 0 ? fmt::format("{}, {} bits", title, row.budget) : title;
}

// Examples as finetune will read them, so that what is wrong with them shows now; and what the work needs.
std::string check_and_describe(Context& ctx, const CompareRecipe& recipe, const CheckpointPtr& checkpoint,
                               const CompareTable& table) {
  const auto tokenizer = Tokenizer::load(checkpoint->folder());
  const Model model = Model::load(ctx, checkpoint);
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

// "perplexity 64.14 -> 35.55" of the first text.
std::string outcome(const CompareRow& row, const CompareRun& run) {
  return fmt::format("{}, seed {}, rate {}: perplexity {:.3f} -> {:.3f}, last loss {:.4f}{}", cell_title(row),
                     run.seed, run.lr, row.base->texts[0].perplexity, run.texts[0].perplexity, run.final_loss,
                     run.validation_loss ? fmt::format(", validation {:.4f}", *run.validation_loss) : "");
}

}  // namespace

CompareReport compare(Context& ctx, const CompareRecipe& recipe, const fs::path& out, bool overwrite) {
  const double begin = monotonic_seconds();
  GridProgress progress(ctx.progress);
  Context inner{ctx.pool, progress, ctx.seed, ctx.stop};
  CompareFolder folder(out, inputs_of(recipe), ctx.progress, overwrite);
  CompareCells cells(inner, recipe, folder);
  CompareReport report;
  CompareTable& table = report.table;
  table = empty_table(recipe, cells.model_hash());
  progress.cell("compare");
  ctx.progress.note(check_and_describe(inner, recipe, cells.model(), table));

  progress.cell("dense model");
  const CompareBase dense = cells.dense();
  table.dense = dense.texts;
  table.dense_tasks = dense.tasks;
  for (CompareRow& row : table.rows) {
    if (!row.why_not.empty()) {
      ctx.progress.note(fmt::format("compare: left out: {}: {}", cell_title(row), row.why_not));
      continue;
    }
    progress.cell(cell_title(row));
    row.base = has_packed_base(row.method) ? cells.base(row.method, row.budget) : dense;
    report.runs += std::ssize(recipe.seeds) + std::ssize(recipe.rates_of(row.method)) - 1;
  }
  std::int64_t left = report.runs;  // at most
  for (const CompareRow& row : table.rows) {
    if (!row.base) continue;
    for (const double rate : recipe.rates_of(row.method)) {
      for (const std::uint64_t seed : recipe.seeds)
        left -= cells.finished(row.method, row.budget, seed, rate) ? 1 : 0;
    }
  }
  publish(folder, table);
  ctx.progress.note(fmt::format("compare: bases are ready after {}; {} of {} fine-tunings to do",
                                human_seconds(monotonic_seconds() - begin), left, report.runs));

  const double start = monotonic_seconds();
  std::int64_t number = 0;
  const auto run = [&](CompareRow& row, std::vector<CompareRun>& to, std::uint64_t seed, double rate) {
    ctx.stop.check();
    progress.cell(
        fmt::format("{}/{} {}, seed {}, rate {}", ++number, report.runs, cell_title(row), seed, rate));
    const bool known = cells.finished(row.method, row.budget, seed, rate);
    to.push_back(cells.run(row.method, row.budget, seed, rate));
    if (known) return;
    publish(folder, table);
    ++report.computed;
    const double each = (monotonic_seconds() - start) / static_cast<double>(report.computed);
    ctx.progress.note(fmt::format(
        "{}/{} {}; about {} left", number, report.runs, outcome(row, to.back()),
        human_seconds(each * static_cast<double>(std::max<std::int64_t>(left - report.computed, 0)))));
  };
  for (const std::uint64_t seed : recipe.seeds) {
    for (CompareRow& row : table.rows) {
      if (!row.base) continue;
      if (row.lr > 0) {
        run(row, row.runs, seed, row.lr);
        continue;
      }
      for (const double rate : recipe.rates_of(row.method)) run(row, row.trials, seed, rate);
      row.runs.push_back(best_trial(row.trials));
      row.lr = row.runs.back().lr;
      publish(folder, table);
    }
  }
  publish(folder, table);
  report.seconds = monotonic_seconds() - begin;
  return report;
}

}  // namespace lq
