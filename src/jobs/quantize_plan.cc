#include "jobs/quantize_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "allocate/integer_programme.h"
#include "allocate/solve.h"
#include "base/error.h"
#include "base/option_error.h"
#include "calibrate/calibrate.h"
#include "formats/work_store.h"
#include "jobs/memory_plan.h"
#include "jobs/quantize_defaults.h"
#include "jobs/stage_files.h"
#include "jobs/sweep_model.h"
#include "models/config_hash.h"

namespace lq {
namespace {

double bits_of_budget(Context& context, const PlanOptions& options, const CheckpointPtr& model,
                      const std::vector<const TensorView*>& selected, const Allocator& allocator) {
  if (options.budget.memory == 0) return options.budget.bits;
  // Chosen ranks are part of what the allocation counts, not of what is there beside it.
  const MemoryPlan plan = finetune_memory_plan(context, model, selected,
                                               {.total = options.budget.memory,
                                                .rank = options.ranks.chosen() ? 0 : options.decompose.rank,
                                                .tokens = options.budget.memory_tokens});
  return bits_for_memory(plan, allocator.weights(), allocator.least_bits());
}

void check_ranks_chosen(const PlanOptions& options, bool chosen, const std::filesystem::path& path,
                        std::string_view verb) {
  LQ_CHECK(chosen || !options.ranks.chosen(), kInvalidArgument,
           "{}: made for one rank; to choose ranks as well, make it by {} with `rank` auto", path.string(),
           verb);
  LQ_CHECK(!chosen || options.ranks.chosen(), kInvalidArgument,
           "{}: ranks are part of its choices; give `rank` auto", path.string());
}

// What each choice takes under the budget at hand: stored bits, or those held while fine-tuning.
ErrorTable counted(const PlanOptions& options, ErrorTable table) {
  if (!table.has_ranks()) return table;
  return with_factor_bits(std::move(table), options.budget.memory > 0
                                                ? kFinetuneFactorBits
                                                : factor_bits_of(options.decompose.factors));
}

// Says in what the sweep behind a table or an allocation was of another kind than this command.
void tell_other_sweep(Context& context, const PlanOptions& options, const std::filesystem::path& path,
                      std::string_view method, std::string_view weights, std::optional<int> rank) {
  std::vector<std::string> other;
  const std::string_view own = decompose_method_name(options.decompose.method);
  if (!method.empty() && method != own) other.push_back(fmt::format("method {}, not {}", method, own));
  const std::string_view importance = importance_name(options.importance);
  const std::string_view theirs = weights.substr(0, weights.find(','));
  if (!theirs.empty() && theirs != importance) {
    other.push_back(fmt::format("importance {}, not {}", theirs, importance));
  }
  if (rank && method_traits(options.decompose.method).factors && *rank != options.decompose.rank) {
    other.push_back(fmt::format("rank {}, not {}", *rank, options.decompose.rank));
  }
  if (other.empty()) return;
  context.progress.note(fmt::format("{}: its errors are of {}", path.string(), fmt::join(other, ", ")));
}

// A table without the matrices that stay dense.
ErrorTable of_matrices(ErrorTable table, const std::vector<TableMatrix>& matrices) {
  std::set<std::string_view> wanted;
  for (const TableMatrix& m : matrices) wanted.insert(m.name);
  ErrorTable out = table;
  out.matrices.clear(), out.bits.clear(), out.errors.clear();
  for (std::size_t i = 0; i < table.matrices.size(); ++i) {
    if (!wanted.contains(table.matrices[i].name)) continue;
    out.matrices.push_back(table.matrices[i]);
    const auto row = [&](const std::vector<double>& all) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(table.position(i, 0));
      return std::vector<double>(begin, begin + std::ssize(table.configs));
    };
    std::ranges::copy(row(table.bits), std::back_inserter(out.bits));
    std::ranges::copy(row(table.errors), std::back_inserter(out.errors));
  }
  return out;
}

void check_allocation_covers(const Allocation& allocation, const std::filesystem::path& path,
                             const std::string& model_hash, const std::vector<TableMatrix>& matrices) {
  LQ_CHECK(allocation.model.empty() || allocation.model == model_hash, kMismatch,
           "{} is of model {}, but this model is {}", path.string(), allocation.model, model_hash);
  std::set<std::string_view> chosen;
  for (const AllocatedMatrix& m : allocation.choices) chosen.insert(m.name);
  for (const TableMatrix& m : matrices) {
    LQ_CHECK(chosen.contains(m.name), kNotFound, "{} chooses nothing for {}", path.string(), m.name);
  }
}

Allocation make_allocation(Context& context, const PlanOptions& options, const CheckpointPtr& model,
                           const MatrixImportance& weights, StageFiles& stages) {
  const auto selected = select_matrices(model->reader(), options.selection);
  std::vector<TableMatrix> matrices;
  for (const TensorView* v : selected) matrices.push_back({v->name(), v->shape()[0], v->shape()[1]});
  if (!options.budget.allocation.empty()) {
    Allocation a = read_choice_allocation(options.budget.allocation, options.formats);
    check_ranks_chosen(options, a.has_ranks, options.budget.allocation, "sweep and allocate");
    check_allocation_covers(a, options.budget.allocation, model->hash(context.pool, context.stop), matrices);
    tell_other_sweep(context, options, options.budget.allocation, a.method, a.weights, std::nullopt);
    return a;
  }
  const ErrorTable whole = counted(options, plan_table(context, options, model, weights, stages));
  check_table_covers(whole, model->hash(context.pool, context.stop), matrices, "allocate");
  const ErrorTable table = of_matrices(whole, matrices);
  const Allocator allocator(table, options.budget.constraints);
  const Allocation a = allocator.solve(bits_of_budget(context, options, model, selected, allocator));
  context.progress.note(fmt::format(
      "allocate: {:.4f} bits per weight, objective {:.6g}, at most {:.1e} above the best possible",
      a.bits_per_weight, a.objective, a.gap));
  return a;
}

}  // namespace

bool sweeps_relative(const PlanOptions& options) {
  return options.importance == ImportanceKind::kNone && options.decompose.method == DecomposeMethod::kLq &&
         options.quantizer.scales == ScaleMode::kSearch;
}

MatrixImportance plan_importance(Context& context, const PlanOptions& options, const CheckpointPtr& model,
                                 StageFiles& stages) {
  if (options.importance == ImportanceKind::kNone) return {};
  const CalibrationSource& source = options.calibration;
  std::filesystem::path path = source.stats;
  if (path.empty()) {
    check_option(source.given(), "importance",
                 "{} needs `data`, a text to calibrate on, `self`, or `stats`, a file made by calibrate",
                 importance_name(options.importance));
    path = stages.get("stats.safetensors", [&](const std::filesystem::path& out) {
      CalibrateOptions calibrate_options;
      if (source.self == 0) calibrate_options.data = {source.data};
      calibrate_options.self = source.self;
      calibrate_options.field = source.field;
      calibrate_options.samples = source.samples;
      calibrate_options.seq_len = source.seq_len;
      for (const TensorView* view : select_matrices(model->reader(), options.selection)) {
        calibrate_options.modules.push_back(view->name());
      }
      calibrate_options.fisher = options.importance == ImportanceKind::kFisher;
      calibrate_options.input_moment = options.importance == ImportanceKind::kInput;
      calibrate_options.output_grad_moment = options.importance == ImportanceKind::kKfac;
      calibrate_options.weighted_input_moment = options.importance == ImportanceKind::kKfac;
      // Only the choice between moments of inputs asks held-out ones.
      if (options.importance != ImportanceKind::kInput) calibrate_options.hold_out = 0.0;
      calibrate_options.out = out;
      calibrate_options.work = stages.work_dir("stats");
      calibrate(context, model, calibrate_options);
    });
  }
  CalibrationStats stats = CalibrationStats::open(path);
  const bool configured = !model->config_hash().empty();
  stats.check_model(model->hash(context.pool, context.stop),
                    configured ? computing_config_hash(model->config()) : std::string());
  return MatrixImportance(options.importance, std::move(stats));
}

ErrorTable plan_table(Context& context, const PlanOptions& options, const CheckpointPtr& model,
                      const MatrixImportance& weights, StageFiles& stages) {
  if (!options.budget.table.empty()) {
    ErrorTable table = read_choice_table(options.budget.table, options.formats);
    check_ranks_chosen(options, table.has_ranks(), options.budget.table, "sweep");
    tell_other_sweep(context, options, options.budget.table, table.method, table.weights,
                     table.has_ranks() ? std::nullopt : std::optional(table.rank));
    return table;
  }
  const auto path = stages.get("table.json", [&](const std::filesystem::path& out) {
    SweepModelOptions sweep;
    sweep.selection = options.selection;
    sweep.formats = options.formats;
    sweep.configs =
        options.budget.configs.empty() ? options.formats.choices(ChoiceSet::kLean) : options.budget.configs;
    sweep.sweep.rank = options.decompose.rank;
    if (options.ranks.chosen()) {
      sweep.ranks = ranks_to_sweep(options.ranks, select_matrices(model->reader(), options.selection));
      sweep.factor_bits = factor_bits_of(options.decompose.factors);
    }
    sweep.sweep.quantizer = options.quantizer;
    sweep.method = decompose_method_name(options.decompose.method);
    sweep.relative = sweeps_relative(options);
    sweep.importance = &weights;
    const WorkStore store(stages.work_dir("table"));
    const std::string& hash = model->hash(context.pool, context.stop);
    write_error_table(out, sweep_model(context, model->reader(), hash, sweep, store));
  });
  // The pieces of a whole table serve no one, and are no unfinished work.
  std::error_code ignored;
  std::filesystem::remove_all(stages.work_dir("table"), ignored);
  return read_error_table(path);
}

QuantizePlan plan_quantization(Context& context, const PlanOptions& options, const CheckpointPtr& model,
                               const std::filesystem::path& work_dir) {
  const BudgetOptions& b = options.budget;
  const int ways = (b.bits > 0.0 ? 1 : 0) + (b.memory > 0 ? 1 : 0) + (b.allocation.empty() ? 0 : 1);
  check_option(ways <= 1, "bits", "excludes `memory` and `allocation`, and these each other");
  check_option(b.given() || !options.ranks.chosen(), "rank",
               "auto chooses ranks under a budget, which the factors count into: give `bits` or `memory`");
  if (b.given() && b.allocation.empty()) require_branch_and_cut();
  StageFiles stages(work_dir / "stages", context.progress);
  QuantizePlan plan;
  plan.importance = plan_importance(context, options, model, stages);
  if (b.given()) plan.allocation = make_allocation(context, options, model, plan.importance, stages);
  return plan;
}

}  // namespace lq
