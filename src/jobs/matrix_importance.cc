#include "jobs/matrix_importance.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "base/option_error.h"
#include "decompose/importance_from_moments.h"

namespace lq {
namespace {

constexpr std::array<std::pair<WeightsKind, std::string_view>, 4> kKinds = {{
    {WeightsKind::kNone, "none"},
    {WeightsKind::kFisher, "fisher"},
    {WeightsKind::kInput, "input"},
    {WeightsKind::kKfac, "kfac"},
}};

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

WeightsKind parse_weights(std::string_view name) {
  for (const auto& [kind, text] : kKinds) {
    if (text == name) return kind;
  }
  fail_option("importance", "is '{}', but must be none, fisher, input or kfac", name);
}

std::string_view weights_name(WeightsKind kind) {
  for (const auto& [k, text] : kKinds) {
    if (k == kind) return text;
  }
  return "none";
}

Importance MatrixImportance::of(Context& context, std::string_view name, std::int64_t rows,
                                std::int64_t cols) const {
  if (kind_ == WeightsKind::kNone) return {};
  stats_->check_shape(name, rows, cols);
  if (kind_ == WeightsKind::kFisher)
    return Importance::fisher(stats_->fisher_rows(name), stats_->fisher_cols(name));
  const auto r = factor_of(context, cols, stats_->input_moment(name), std::string(name) + " (inputs)");
  if (kind_ == WeightsKind::kInput) return input_importance(r);
  return kfac_importance(
      r, factor_of(context, rows, stats_->output_grad_moment(name), std::string(name) + " (gradients)"));
}

Importance MatrixImportance::diagonal_of(Context& context, std::string_view name, std::int64_t rows,
                                         std::int64_t cols) const {
  if (kind_ == WeightsKind::kNone || kind_ == WeightsKind::kFisher) return of(context, name, rows, cols);
  stats_->check_shape(name, rows, cols);
  const std::vector<float> by_col = scales_of(stats_->input_moment_diagonal(name));
  if (kind_ == WeightsKind::kInput) return Importance::diagonal({}, by_col);
  const std::vector<float> g = stats_->output_grad_moment(name);
  std::vector<float> by_row(static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < by_row.size(); ++i) by_row[i] = g[i * by_row.size() + i];
  return Importance::diagonal(scales_of(std::move(by_row)), by_col);
}

}  // namespace lq
