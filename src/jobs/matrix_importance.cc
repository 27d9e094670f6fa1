#include "jobs/matrix_importance.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "decompose/importance_from_moments.h"

namespace lq {
namespace {

std::shared_ptr<const LowerFactor> factor_of(Context& context, std::int64_t n,
                                             const std::vector<float>& moment, const std::string& who) {
  const MomentFactor result = factor_moment(context.pool, n, moment, who);
  for (const std::string& note : result.notes) context.progress.note(note);
  return result.factor;
}

// Square roots; a moment without anything in it counts next to nothing, as in factor_moment().
std::vector<float> scales_of(std::vector<float> diagonal) {
  constexpr float kSilent = 1e-8F;
  const bool silent = std::ranges::all_of(diagonal, [](float v) { return v <= 0.0F; });
  for (float& v : diagonal) v = silent ? kSilent : std::sqrt(std::max(v, 0.0F));
  return diagonal;
}

}  // namespace

ImportanceKind parse_importance(std::string_view name) {
  return enum_parse(kImportanceNames, name, "importance");
}

std::string_view importance_name(ImportanceKind kind) { return enum_name(kImportanceNames, kind); }

Importance MatrixImportance::of(Context& context, std::string_view name, std::int64_t rows,
                                std::int64_t cols) const {
  if (kind_ == ImportanceKind::kNone) return {};
  stats_->check_shape(name, rows, cols);
  if (kind_ == ImportanceKind::kFisher)
    return Importance::fisher(stats_->fisher_rows(name), stats_->fisher_cols(name));
  const bool weighted = kind_ == ImportanceKind::kKfac && stats_->has_weighted_input_moment(name);
  const auto r =
      factor_of(context, cols, weighted ? stats_->weighted_input_moment(name) : stats_->input_moment(name),
                std::string(name) + " (inputs)");
  if (kind_ == ImportanceKind::kInput) return input_importance(r);
  return kfac_importance(
      r, factor_of(context, rows, stats_->output_grad_moment(name), std::string(name) + " (gradients)"));
}

Importance MatrixImportance::diagonal_of(Context& context, std::string_view name, std::int64_t rows,
                                         std::int64_t cols) const {
  if (kind_ == ImportanceKind::kNone || kind_ == ImportanceKind::kFisher)
    return of(context, name, rows, cols);
  stats_->check_shape(name, rows, cols);
  const bool weighted = kind_ == ImportanceKind::kKfac && stats_->has_weighted_input_moment(name);
  const std::vector<float> by_col = scales_of(weighted ? stats_->weighted_input_moment_diagonal(name)
                                                       : stats_->input_moment_diagonal(name));
  if (kind_ == ImportanceKind::kInput) return Importance::diagonal({}, by_col);
  const std::vector<float> g = stats_->output_grad_moment(name);
  std::vector<float> by_row(static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < by_row.size(); ++i) by_row[i] = g[i * by_row.size() + i];
  return Importance::diagonal(scales_of(std::move(by_row)), by_col);
}

}  // namespace lq
