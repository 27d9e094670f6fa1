#include "allocate/solve.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace lq {
namespace {

const ErrorTable& checked(const ErrorTable& table) {
  check_error_table(table, "error table");
  return table;
}

double relative_gap(double objective, double bound) {
  return objective > 0 ? std::max(0.0, objective - bound) / objective : 0.0;
}

}  // namespace

Allocator::Allocator(const ErrorTable& table, const Constraints& constraints)
    : table_(&checked(table)), programme_(make_programme(table, constraints)), relaxation_(programme_) {
  for (const TableMatrix& m : table.matrices)
    weights_ += static_cast<double>(m.rows) * static_cast<double>(m.cols);
}

void Allocator::check_budget(double budget) const {
  LQ_CHECK(std::isfinite(budget) && budget > 0, kInvalidArgument,
           "a budget of {} bits per weight: must be above 0", budget);
  if (relaxation_.least() <= with_rounding(budget * weights_)) return;
  const Allocation least = describe(Selection(programme_.matrices.size(), 0), 0);
  std::string factors;
  if (table_->has_ranks()) {
    factors = fmt::format(", {:.4f} of them for low-rank factors{}", least.factor_bits_per_weight,
                          least.factor_bits_per_weight > budget ? ", which alone exceed the budget" : "");
  }
  // Rounded up, so that the number given is itself possible.
  fail(ErrorCode::kInvalidArgument,
       "a budget of {} bits per weight: the least possible is {:.4f} bits{} (the table's smallest choices "
       "under the constraints given)",
       budget, std::ceil(least_bits() * 1e4) / 1e4, factors);
}

Allocation Allocator::solve(double budget, const SolveOptions& options, SolveTrace* trace) const {
  check_budget(budget);
  LQ_CHECK(options.gap >= 0 && options.gap < 1, kInvalidArgument, "a gap of {}: must be from 0 to below 1",
           options.gap);
  Pursuit pursuit(programme_, relaxation_, budget * weights_, options);
  pursuit.run();
  if (trace != nullptr) *trace = pursuit.trace();
  return describe(pursuit.selection(), pursuit.bound());
}

Allocation Allocator::describe(const Selection& selection, double bound) const {
  Allocation allocation;
  allocation.model = table_->model;
  allocation.method = table_->method;
  allocation.weights = table_->weights;
  allocation.has_ranks = table_->has_ranks();
  allocation.objective = total_error(programme_, selection);
  allocation.bound = bound;
  allocation.gap = relative_gap(allocation.objective, bound);
  allocation.bits_per_weight = total_storage(programme_, selection) / weights_;
  for (std::size_t i = 0; i < selection.size(); ++i) {
    const TableMatrix& m = table_->matrices[i];
    const auto column =
        static_cast<std::size_t>(programme_.matrices[i][static_cast<std::size_t>(selection[i])].column);
    const int rank = table_->rank_of(column);
    allocation.choices.push_back({m.name, table_->configs[column], rank});
    if (table_->has_ranks()) {
      allocation.factor_bits_per_weight += factor_bits_per_weight(m, rank, table_->factor_bits) *
                                           static_cast<double>(m.rows) * static_cast<double>(m.cols) /
                                           weights_;
    }
  }
  return allocation;
}

Allocation allocate(const ErrorTable& table, double budget, const Constraints& constraints,
                    const SolveOptions& options) {
  return Allocator(table, constraints).solve(budget, options);
}

}  // namespace lq
