#include "compare/compare_grid.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/process.h"

namespace lq {
namespace {

// The smallest budget that a mixture can meet.
double least_bits(const CompareRecipe& recipe) {
  double least = 16.0;
  for (const QuantChoice& c : recipe.choices_of(FormatSet()))
    least = std::min(least, choice_bits_per_weight(c));
  return least;
}

// "perplexity 64.14 -> 35.55" of the first text, or a task's score.
std::string outcome(const CompareRow& row, const CompareRun& run) {
  if (!run.failure.empty())
    return fmt::format("{}, seed {}, rate {}: {}", grid_cell_title(row), run.seed, run.lr, run.failure);
  if (run.score) {
    return fmt::format("{}, seed {}, rate {}: score {:.4f}, last loss {:.4f}", grid_cell_title(row), run.seed,
                       run.lr, *run.score, run.final_loss);
  }
  return fmt::format("{}, seed {}, rate {}: perplexity {:.3f} -> {:.3f}, last loss {:.4f}{}",
                     grid_cell_title(row), run.seed, run.lr, row.base->texts[0].perplexity,
                     run.texts[0].perplexity, run.final_loss,
                     run.validation_loss ? fmt::format(", validation {:.4f}", *run.validation_loss) : "");
}

}  // namespace

CompareTable empty_grid(const CompareRecipe& recipe, const std::string& model_hash) {
  CompareTable table;
  table.model = recipe.model.filename().string();
  table.model_hash = model_hash;
  table.rank = recipe.rank;
  table.seeds = recipe.seeds;
  table.seq_len = recipe.text.seq_len;
  for (const std::filesystem::path& path : recipe.texts) table.texts.push_back(path.filename().string());
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

std::string grid_cell_title(const CompareRow& row) {
  const std::string title(compare_method_title(row.method));
  return row.budget > 0 ? fmt::format("{}, {} bits", title, row.budget) : title;
}

void run_grid(GridRun& g) {
  const CompareRecipe& recipe = g.recipe;
  CompareTable& table = g.table;
  const double begin = monotonic_seconds();
  g.progress.cell("dense model");
  const CompareBase dense = g.cells.dense();
  table.dense = dense.texts;
  table.dense_tasks = dense.tasks;
  for (CompareRow& row : table.rows) {
    if (!row.why_not.empty()) {
      g.ctx.progress.note(fmt::format("{}: left out: {}: {}", g.verb, grid_cell_title(row), row.why_not));
      continue;
    }
    g.progress.cell(grid_cell_title(row));
    row.base = has_packed_base(row.method) ? g.cells.base(row.method, row.budget) : dense;
    g.runs += std::ssize(recipe.seeds) + std::ssize(recipe.rates_of(row.method)) - 1;
  }
  std::int64_t left = g.runs;  // at most
  for (const CompareRow& row : table.rows) {
    if (!row.base) continue;
    for (const double rate : recipe.rates_of(row.method)) {
      for (const std::uint64_t seed : recipe.seeds)
        left -= g.cells.finished(row.method, row.budget, seed, rate) ? 1 : 0;
    }
  }
  g.publish();
  g.ctx.progress.note(fmt::format("{}: bases are ready after {}; {} of {} fine-tunings to do", g.verb,
                                  human_seconds(monotonic_seconds() - begin), left, g.runs));

  const double start = monotonic_seconds();
  std::int64_t number = 0;
  const auto run = [&](CompareRow& row, std::vector<CompareRun>& to, std::uint64_t seed, double rate) {
    g.ctx.stop.check();
    g.progress.cell(
        fmt::format("{}/{} {}, seed {}, rate {}", ++number, g.runs, grid_cell_title(row), seed, rate));
    const bool known = g.cells.finished(row.method, row.budget, seed, rate);
    const CompareRun one = g.cells.run(row.method, row.budget, seed, rate);
    (one.failure.empty() ? to : row.failed).push_back(one);
    if (known) return;
    g.publish();
    ++g.computed;
    const double each = (monotonic_seconds() - start) / static_cast<double>(g.computed);
    g.ctx.progress.note(
        fmt::format("{}/{} {}; about {} left", number, g.runs, outcome(row, one),
                    human_seconds(each * static_cast<double>(std::max<std::int64_t>(left - g.computed, 0)))));
  };
  for (const std::uint64_t seed : recipe.seeds) {
    for (CompareRow& row : table.rows) {
      if (!row.base) continue;
      if (row.lr > 0) {
        run(row, row.runs, seed, row.lr);
        continue;
      }
      for (const double rate : recipe.rates_of(row.method)) run(row, row.trials, seed, rate);
      if (row.trials.empty()) continue;  // no rate learns: the next seed tries again
      row.runs.push_back(best_trial(row.trials));
      row.lr = row.runs.back().lr;
      g.publish();
    }
  }
}

}  // namespace lq
