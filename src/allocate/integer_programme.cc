#include "allocate/integer_programme.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "allocate/cbc_library.h"
#include "base/error.h"

namespace lq {
namespace {

constexpr double kObjectiveRange = 1000;     // the open distance, in CBC's units
constexpr double kLargestCoefficient = 1e7;  // beyond this, feasibility to 1e-7 is below a double's noise
constexpr int kMaxRepeats = 100;  // of the search, after selections that our own arithmetic refused

struct ModelDeleter {
  void operator()(Cbc_Model* model) const { cbc_library().delete_model(model); }
};
using Model = std::unique_ptr<Cbc_Model, ModelDeleter>;

struct Column {
  int matrix;
  int choice;  // position in Programme::matrices[matrix]
};

// The reduced programme in CBC's units:
//   minimise    sum rc x + price slack + sum extra_g slack_g
//   subject to  sum_c x_ic = 1 for each matrix i left open
//               sum (S - S_origin) x + slack = room, and the same for each cap
// where the origin is each matrix's choice of reduced cost 0.
class Reduced {
 public:
  Reduced(const Programme& programme, double budget, const LagrangianSolution& relaxed,
          const BranchAndCutLimits& limits)
      : programme_(programme), relaxed_(relaxed), open_(limits.target - relaxed.bound) {
    choose_columns(limits.reduce ? open_ : std::numeric_limits<double>::infinity());
    choose_scale();
    add_choice_rows();
    add_storage_row(relaxed.price, budget - total_storage(programme, origin_), -1);
    for (std::size_t g = 0; g < programme.caps.size(); ++g) {
      const Cap& cap = programme.caps[g];
      const double extra = relaxed.prices[static_cast<std::size_t>(cap.members.front())] - relaxed.price;
      add_storage_row(extra, cap.storage - cap_storage(programme, origin_, cap), static_cast<int>(g));
    }
  }

  Model make_model() const {
    std::vector<CoinBigIndex> starts = {0};
    std::vector<int> rows;
    std::vector<double> values;
    for (const auto& entries : entries_) {
      for (const auto& [row, value] : entries) {
        rows.push_back(row);
        values.push_back(value);
      }
      starts.push_back(static_cast<CoinBigIndex>(rows.size()));
    }
    const CbcLibrary& cbc = cbc_library();
    Model model(cbc.new_model());
    LQ_CHECK(model != nullptr, kInternal, "[allocate] CBC made no model");
    cbc.set_log_level(model.get(), 0);
    cbc.load_problem(model.get(), static_cast<int>(cost_.size()), static_cast<int>(right_.size()),
                     starts.data(), rows.data(), values.data(), lower_.data(), upper_.data(), cost_.data(),
                     right_.data(), right_.data());
    cbc.set_obj_sense(model.get(), 1);
    for (std::size_t k = 0; k < columns_.size(); ++k) cbc.set_integer(model.get(), static_cast<int>(k));
    return model;
  }

  // Forbids a selection: at least one matrix left open must choose otherwise.
  void forbid(Cbc_Model* model, const Selection& selection) const {
    std::vector<int> indices;
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      if (selection[static_cast<std::size_t>(columns_[k].matrix)] == columns_[k].choice) {
        indices.push_back(static_cast<int>(k));
      }
    }
    const std::vector<double> ones(indices.size(), 1.0);
    const int count = static_cast<int>(indices.size());
    cbc_library().add_row(model, "forbidden", count, indices.data(), ones.data(), 'L', count - 1.0);
  }

  Selection selection_of(const double* x) const {
    Selection selection = origin_;
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      if (x[k] > 0.5) selection[static_cast<std::size_t>(columns_[k].matrix)] = columns_[k].choice;
    }
    return selection;
  }

  double to_cbc(double error_above_bound) const { return error_above_bound * scale_; }
  double from_cbc(double objective) const { return relaxed_.bound + objective / scale_; }
  const Selection& origin() const { return origin_; }
  int column_count() const { return static_cast<int>(columns_.size()); }

 private:
  void choose_columns(double window) {
    origin_.resize(programme_.matrices.size());
    for (std::size_t i = 0; i < origin_.size(); ++i) {
      const std::vector<double>& reduced = relaxed_.reduced[i];
      origin_[i] = static_cast<int>(std::min_element(reduced.begin(), reduced.end()) - reduced.begin());
      const std::size_t before = columns_.size();
      for (std::size_t c = 0; c < reduced.size(); ++c) {
        if (reduced[c] < window) columns_.push_back({static_cast<int>(i), static_cast<int>(c)});
      }
      if (columns_.size() == before + 1) columns_.pop_back();  // decided: the origin
    }
  }

  double storage_above_origin(const Column& column) const {
    const std::vector<Choice>& choices = programme_.matrices[static_cast<std::size_t>(column.matrix)];
    const int origin = origin_[static_cast<std::size_t>(column.matrix)];
    return choices[static_cast<std::size_t>(column.choice)].storage -
           choices[static_cast<std::size_t>(origin)].storage;
  }

  void choose_scale() {
    double largest = 0;  // what a choice's storage is worth
    for (const Column& column : columns_) {
      const double price = relaxed_.prices[static_cast<std::size_t>(column.matrix)];
      largest = std::max(largest, price * std::abs(storage_above_origin(column)));
    }
    scale_ = kObjectiveRange / open_;
    if (largest * scale_ > kLargestCoefficient) scale_ = std::max(1.0 / open_, kLargestCoefficient / largest);
  }

  void add_choice_rows() {
    entries_.resize(columns_.size());
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      const Column& column = columns_[k];
      if (k == 0 || columns_[k - 1].matrix != column.matrix) right_.push_back(1.0);
      entries_[k].emplace_back(static_cast<int>(right_.size()) - 1, 1.0);
      cost_.push_back(to_cbc(relaxed_.reduced[static_cast<std::size_t>(column.matrix)]
                                             [static_cast<std::size_t>(column.choice)]));
      lower_.push_back(0.0);
      upper_.push_back(1.0);
    }
  }

  // For the budget (cap < 0) or one cap. Storage is counted in what it is worth, or finer where it is worth
  // little.
  void add_storage_row(double price, double room, int cap) {
    const auto covers = [&](const Column& column) {
      return cap < 0 || programme_.cap_of[static_cast<std::size_t>(column.matrix)] == cap;
    };
    double largest = std::abs(room);
    for (const Column& column : columns_) {
      if (covers(column)) largest = std::max(largest, std::abs(storage_above_origin(column)));
    }
    if (largest == 0) return;
    const double unit = std::max(to_cbc(price), kObjectiveRange / largest);
    const int row = static_cast<int>(right_.size());
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      if (!covers(columns_[k])) continue;
      const double value = storage_above_origin(columns_[k]) * unit;
      if (value != 0) entries_[k].emplace_back(row, value);
    }
    right_.push_back(room * unit);
    entries_.push_back({{row, 1.0}});
    cost_.push_back(to_cbc(price) / unit);
    lower_.push_back(0.0);
    upper_.push_back(std::numeric_limits<double>::max());
  }

  const Programme& programme_;
  const LagrangianSolution& relaxed_;
  double open_;
  double scale_ = 1;
  Selection origin_;
  std::vector<Column> columns_;
  std::vector<std::vector<std::pair<int, double>>> entries_;  // of each column of CBC's: (row, value)
  std::vector<double> cost_, lower_, upper_;  // [columns, then one slack for each storage row]
  std::vector<double> right_;                 // [rows]
};

}  // namespace

BranchAndCutResult branch_and_cut(const Programme& programme, double budget,
                                  const LagrangianSolution& relaxed, const BranchAndCutLimits& limits) {
  LQ_ASSERT(limits.target > relaxed.bound);
  const Reduced reduced(programme, budget, relaxed, limits);
  BranchAndCutResult result;
  result.bound = relaxed.bound;
  result.columns = reduced.column_count();
  if (result.columns ==
      0) {  // reduced costs have decided everything: only the origin can be below the target
    result.bound = limits.target;
    if (fits(programme, reduced.origin(), budget) &&
        total_error(programme, reduced.origin()) < limits.target) {
      result.found = reduced.origin();
      result.bound = total_error(programme, reduced.origin());
    }
    return result;
  }
  const CbcLibrary& cbc = cbc_library();
  std::vector<Selection> forbidden;
  while (true) {
    const Model model = reduced.make_model();
    for (const Selection& selection : forbidden) reduced.forbid(model.get(), selection);
    cbc.set_cutoff(model.get(), reduced.to_cbc(limits.target - relaxed.bound));
    cbc.set_allowable_gap(model.get(), reduced.to_cbc(limits.tolerance));
    cbc.set_maximum_nodes(model.get(), static_cast<int>(std::min<std::int64_t>(limits.max_nodes, 1 << 30)));
    cbc.solve(model.get());
    result.nodes += cbc.get_node_count(model.get());

    LQ_CHECK(cbc.is_abandoned(model.get()) == 0 && cbc.is_continuous_unbounded(model.get()) == 0, kInternal,
             "[allocate] CBC gave up: status {}, secondary status {}", cbc.status(model.get()),
             cbc.secondary_status(model.get()));
    result.finished = cbc.status(model.get()) == 0;
    const double* x = cbc.best_solution(model.get());
    if (cbc.is_proven_infeasible(model.get()) != 0 || (result.finished && x == nullptr)) {
      result.bound = limits.target;
      return result;
    }
    result.bound = std::clamp(reduced.from_cbc(cbc.get_best_possible_obj_value(model.get())), result.bound,
                              limits.target);
    if (x == nullptr) return result;
    Selection selection = reduced.selection_of(x);
    if (fits(programme, selection, budget)) {
      if (total_error(programme, selection) < limits.target) result.found = std::move(selection);
      return result;
    }
    if (forbidden.size() == kMaxRepeats) {
      result.finished = false;
      return result;
    }
    forbidden.push_back(std::move(selection));
  }
}

void require_branch_and_cut() { cbc_library(); }

}  // namespace lq
