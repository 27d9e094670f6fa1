#include "jobs/sweep_model.h"

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/option_error.h"
#include "jobs/choice_names.h"
#include "jobs/decompose_device.h"
#include "ops/reduce.h"
#include "quant/quantizer.h"
#include "tensor/matrix.h"

namespace lq {
namespace {

// Matrices up to this many weights are swept several at a time, larger ones one at a time by all threads.
constexpr std::int64_t kSweptTogether = 1 << 20;
// Above as many, norms are taken without covariances, and what factors bring is interpolated between
// configurations: there are then so many errors that it changes evenly, and seeking factors for each would
// take days.
constexpr std::int64_t kInterpolated = 1 << 22;

std::optional<std::vector<double>> finished_row(const WorkStore& store, const std::string& name,
                                                std::size_t count) {
  const auto piece = store.get(name);
  if (!piece.has_value() || !piece->info.contains("errors")) return std::nullopt;
  auto errors = piece->info["errors"].get<std::vector<double>>();
  if (errors.size() != count) return std::nullopt;
  return errors;
}

std::vector<double> sweep_matrix(Context& context, const TensorView& view, const SweepModelOptions& options,
                                 bool diagonal) {
  const std::int64_t rows = view.shape()[0];
  const std::int64_t cols = view.shape()[1];
  const Tensor w = view.copy_f32(context.pool);
  drop(view);
  require_finite(context.pool, w.data<float>(), rows, cols, view.name());
  const Importance importance = diagonal ? options.importance->diagonal_of(context, view.name(), rows, cols)
                                         : options.importance->of(context, view.name(), rows, cols);
  SweepOptions sweep = options.sweep;
  sweep.stream = stream_of(view.name());
  sweep.interpolate = rows * cols > kInterpolated;
  sweep.importance = importance.plain() ? nullptr : &importance;
  if (importance.right() == nullptr) sweep.quantizer.feedback = Feedback::kOff;  // needs covariances
  std::vector<double> errors =
      options.ranks.empty()
          ? sweep_errors(context, w.data<float>(), rows, cols, options.configs, sweep)
          : sweep_rank_errors(context, w.data<float>(), rows, cols, options.configs, options.ranks, sweep);
  if (!options.relative) return errors;
  const double unit = relative_error_unit(context, w);
  std::ranges::transform(errors, errors.begin(), [unit](double e) { return e / unit; });
  return errors;
}

DecomposeWork sweep_model_work(const std::vector<const TensorView*>& selected,
                               const SweepModelOptions& options) {
  DecomposeWork work;
  work.oversampling = options.sweep.oversampling;
  work.importance = options.importance->kind();
  work.quantizes_there = true;
  work.coder = has_device_coder(options.formats, options.sweep.quantizer);
  const std::int64_t rank = options.ranks.empty() ? options.sweep.rank : options.ranks.back();
  for (const TensorView* view : selected) work.matrices.push_back({view->shape()[0], view->shape()[1], rank});
  return work;
}

// A row for each matrix, in the order of `selected`.
std::vector<std::vector<double>> sweep_rows(Context& context, const std::vector<const TensorView*>& selected,
                                            const SweepModelOptions& options, const WorkStore& store) {
  std::vector<std::vector<double>> rows(selected.size());
  std::vector<std::size_t> small;
  std::vector<std::size_t> large;
  std::int64_t total = 0;
  std::int64_t finished = 0;
  const std::size_t choices = options.configs.size() * std::max<std::size_t>(1, options.ranks.size());
  for (std::size_t i = 0; i < selected.size(); ++i) {
    total += selected[i]->numel();
    if (auto row = finished_row(store, selected[i]->name(), choices)) {
      rows[i] = std::move(*row);
      finished += selected[i]->numel();
    } else {
      (selected[i]->numel() <= kSweptTogether ? small : large).push_back(i);
    }
  }
  context.progress.begin("sweep", total, "weights");
  context.progress.update(finished, "");
  const bool diagonal = sweeps_diagonals(selected, *options.importance);
  if (diagonal) {
    context.progress.note(
        fmt::format("sweep: in the norm of importance {} without covariances, as matrices are large",
                    importance_name(options.importance->kind())));
  }
  std::mutex mutex;
  const auto one = [&](Context& with, std::size_t i) {
    with.stop.check();
    rows[i] = sweep_matrix(with, *selected[i], options, diagonal);
    store.put(selected[i]->name(), {}, {{"errors", rows[i]}});
    const std::lock_guard lock(mutex);
    finished += selected[i]->numel();
    context.progress.update(finished, selected[i]->name());
  };
  if (context.device.is_cpu()) {
    context.pool.run(static_cast<std::int64_t>(small.size()),
                     [&](std::int64_t k) { one(context, small[static_cast<std::size_t>(k)]); });
    for (const std::size_t i : large) one(context, i);
  } else {
    large.insert(large.end(), small.begin(), small.end());
    run_on_device(context, device_lanes(context, sweep_model_work(selected, options), context.pool.threads()),
                  std::ssize(large),
                  [&](std::int64_t k, Context& lane) { one(lane, large[static_cast<std::size_t>(k)]); });
  }
  context.progress.end();
  return rows;
}

// Configurations and ranks, in the order of sweep_rank_errors().
void add_choices(const SweepModelOptions& options, ErrorTable& table) {
  std::vector<std::string> names;
  for (const QuantChoice& choice : options.configs) names.push_back(table_name(choice, options.formats));
  if (options.ranks.empty()) {
    table.rank = static_cast<int>(options.sweep.rank);
    table.configs = names;
    return;
  }
  table.factor_bits = options.factor_bits;
  for (const std::int64_t rank : options.ranks) {
    table.configs.insert(table.configs.end(), names.begin(), names.end());
    table.ranks.insert(table.ranks.end(), options.configs.size(), static_cast<int>(rank));
  }
}

}  // namespace

double relative_error_unit(Context& context, const Tensor& w) {
  const double mean_square =
      squared_norm(context, const_matrix_of(w).flat()) / static_cast<double>(w.numel());
  return mean_square > 0.0 ? mean_square : 1.0;
}

bool sweeps_diagonals(const std::vector<const TensorView*>& selected, const MatrixImportance& weights) {
  if (weights.kind() != ImportanceKind::kInput && weights.kind() != ImportanceKind::kKfac) return false;
  return std::ranges::any_of(selected, [](const TensorView* v) { return v->numel() > kInterpolated; });
}

ErrorTable sweep_model(Context& context, const CheckpointReader& reader, const std::string& model_hash,
                       const SweepModelOptions& options, const WorkStore& store) {
  const auto selected = select_matrices(reader, options.selection);
  const std::int64_t largest = options.ranks.empty() ? options.sweep.rank : options.ranks.back();
  for (const TensorView* view : selected) {
    const std::int64_t most = std::min(view->shape()[0], view->shape()[1]);
    check_option(largest <= most, "rank", "{} is larger than matrix '{}' {} allows (at most {})", largest,
                 view->name(), shape_text(view->shape()), most);
  }
  ErrorTable table;
  table.model = model_hash;
  table.method = options.method;
  table.weights = importance_name(options.importance->kind());
  if (options.relative) table.weights += ", relative";
  if (sweeps_diagonals(selected, *options.importance)) table.weights += ", diagonal";
  add_choices(options, table);
  for (const TensorView* view : selected) {
    const TableMatrix matrix = {.name = view->name(), .rows = view->shape()[0], .cols = view->shape()[1]};
    table.matrices.push_back(matrix);
    for (std::size_t c = 0; c < table.configs.size(); ++c) {
      double bits =
          stored_bits_per_weight(options.configs[c % options.configs.size()], matrix.rows, matrix.cols);
      if (table.has_ranks()) bits += factor_bits_per_weight(matrix, table.ranks[c], table.factor_bits);
      table.bits.push_back(bits);
    }
  }
  for (const auto& row : sweep_rows(context, selected, options, store)) {
    table.errors.insert(table.errors.end(), row.begin(), row.end());
  }
  return table;
}

}  // namespace lq
