#include "pipeline/matrix_weights.h"

#include <array>
#include <string>
#include <utility>

#include "base/error.h"
#include "decompose/weighting_from_moments.h"

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

}  // namespace

WeightsKind parse_weights(std::string_view name) {
  for (const auto& [kind, text] : kKinds) {
    if (text == name) return kind;
  }
  fail(ErrorCode::kInvalidArgument, "--weights is '{}', but must be none, fisher, input or kfac", name);
}

std::string_view weights_name(WeightsKind kind) {
  for (const auto& [k, text] : kKinds) {
    if (k == kind) return text;
  }
  return "none";
}

Weighting MatrixWeights::of(Context& context, std::string_view name, std::int64_t rows,
                            std::int64_t cols) const {
  if (kind_ == WeightsKind::kNone) return {};
  stats_->check_shape(name, rows, cols);
  if (kind_ == WeightsKind::kFisher)
    return Weighting::fisher(stats_->fisher_rows(name), stats_->fisher_cols(name));
  const auto r = factor_of(context, cols, stats_->input_moment(name), std::string(name) + " (inputs)");
  if (kind_ == WeightsKind::kInput) return input_weighting(r);
  return kfac_weighting(
      r, factor_of(context, rows, stats_->output_grad_moment(name), std::string(name) + " (gradients)"));
}

}  // namespace lq
