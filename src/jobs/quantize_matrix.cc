#include "jobs/quantize_matrix.h"

#include <cmath>
#include <memory>
#include <utility>

#include "base/process.h"
#include "decompose/balance_factors.h"
#include "decompose/held_out.h"
#include "ops/host_math.h"

namespace lq {

const QuantChoice& choice_for(const QuantizeOptions& options, const std::string& name) {
  const auto found = options.choices.find(name);
  return found == options.choices.end() ? options.choice : found->second;
}

std::int64_t rank_for(const QuantizeOptions& options, const std::string& name) {
  const auto found = options.ranks.find(name);
  return found == options.ranks.end() ? options.decompose.rank : found->second;
}

namespace {

struct Candidate {
  Decomposition d;
  PackedMatrix q;
};

Candidate try_out(Context& context, const Tensor& w, const Quantizer& quantizer,
                  const DecomposeOptions& options) {
  const std::int64_t rows = w.shape()[0];
  const std::int64_t cols = w.shape()[1];
  Candidate c;
  c.d = decompose(context, w.data<float>(), rows, cols, quantizer, options);
  c.q = pack_decomposition(context, w.data<float>(), rows, cols, c.d, quantizer, options);
  return c;
}

// Tries the inputs' moment without its covariances, and takes what comes out where it is better on inputs
// that were held out: for some layers a full moment fits its sample rather than the layer (docs/method.md,
// "What errors cost"). True where it was taken.
bool take_better(Context& context, const Tensor& w, const std::string& name, const QuantChoice& choice,
                 QuantizerOptions alone, DecomposeOptions options, const CalibrationStats& stats,
                 Candidate& best) {
  std::vector<float> scales = stats.input_moment_diagonal(name);
  for (float& s : scales) s = std::sqrt(s);
  const Importance diagonal = Importance::diagonal({}, scales);
  options.importance = &diagonal;
  alone.feedback = Feedback::kOff;  // which needs covariances
  Candidate other = try_out(context, w, *make_quantizer(choice, alone), options);
  const std::vector<float> held_out = stats.input_moment_held_out(name);
  const auto error = [&](const Candidate& c) {
    return held_out_error(context, w.data<float>(), w.shape()[0], w.shape()[1], c.q, c.d, held_out);
  };
  if (error(other) >= error(best)) return false;
  best = std::move(other);
  return true;
}

}  // namespace

QuantizedMatrix quantize_matrix(Context& context, const TensorView& view, const QuantizeOptions& options,
                                const MatrixImportance& weights) {
  const double start = monotonic_seconds();
  const std::int64_t rows = view.shape()[0];
  const std::int64_t cols = view.shape()[1];
  Tensor w = view.copy_f32(context.pool);
  drop(view);
  require_finite(context.pool, w.data<float>(), rows, cols, view.name());
  const QuantChoice& choice = choice_for(options, view.name());
  const std::unique_ptr<Quantizer> quantizer = make_quantizer(choice, options.quantizer);
  DecomposeOptions decompose_options = options.decompose;
  decompose_options.rank = rank_for(options, view.name());
  decompose_options.stream = stream_of(view.name());
  const Importance importance = weights.of(context, view.name(), rows, cols);
  if (!importance.plain()) decompose_options.importance = &importance;

  QuantizedMatrix result;
  Candidate best = try_out(context, w, *quantizer, decompose_options);
  const bool gptq = method_traits(options.decompose.method).groups_with_feedback;
  if (weights.kind() == ImportanceKind::kInput && !gptq && weights.stats()->has_held_out(view.name())) {
    result.report.diagonal = take_better(context, w, view.name(), choice, options.quantizer,
                                         decompose_options, *weights.stats(), best);
  }
  const Decomposition& d = best.d;
  result.q = std::move(best.q);

  const std::int64_t rank = decompose_options.rank;
  if (rank > 0) {
    const double alpha = options.alpha > 0.0 ? options.alpha : static_cast<double>(rank);
    const float root = static_cast<float>(std::sqrt(alpha / static_cast<double>(rank)));
    const auto scaled = [&](const Tensor& from) {
      Tensor to = Tensor::empty(DType::kF32, from.shape());
      divide(context.pool, const_matrix_of(from).flat(), root, span_of<float>(to));
      return to;
    };
    result.lora_a = scaled(d.l2);
    result.lora_b = scaled(d.l1);
    balance_factors(result.lora_b, result.lora_a);
  }
  const bool diagonal = result.report.diagonal;
  result.report = {.name = view.name(),
                   .rows = rows,
                   .cols = cols,
                   .choice = options.formats.name_of(choice),
                   .rank = rank,
                   .relative_error = d.relative_error,
                   .relative_weighted_error = d.relative_weighted_error,
                   .iterations = d.iterations,
                   .seconds = monotonic_seconds() - start,
                   .squared_norm = d.squared_norm,
                   .storage_bytes = result.q.storage_bytes(),
                   .low_rank_bytes = rank * (rows + cols) *
                                     static_cast<std::int64_t>(dtype_size(options.decompose.factors)),
                   .diagonal = diagonal};
  return result;
}

}  // namespace lq
