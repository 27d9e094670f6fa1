#include "pipeline/quantize_matrix.h"

#include <cmath>

#include "base/process.h"
#include "quant/quantizer.h"

namespace lq {

NfConfig config_for(const QuantizeOptions& options, const std::string& name) {
  const auto found = options.choices.find(name);
  return found == options.choices.end() ? options.config : found->second;
}

QuantizedMatrix quantize_matrix(Context& context, const TensorView& view, const QuantizeOptions& options,
                                const MatrixWeights& weights) {
  const double start = monotonic_seconds();
  const std::int64_t rows = view.shape()[0];
  const std::int64_t cols = view.shape()[1];
  Tensor w = view.copy_f32();
  drop(view);
  require_finite(context.pool, w.data<float>(), rows, cols, view.name());
  const NfQuantizer quantizer(config_for(options, view.name()), options.quantizer);
  DecomposeOptions decompose_options = options.decompose;
  decompose_options.stream = stream_of(view.name());
  const Weighting weighting = weights.of(context, view.name(), rows, cols);
  if (!weighting.plain()) decompose_options.weighting = &weighting;

  QuantizedMatrix result;
  const Decomposition d = decompose(context, w.data<float>(), rows, cols, quantizer, decompose_options);
  result.q = pack_decomposition(context, w.data<float>(), rows, cols, d, quantizer, decompose_options);

  const std::int64_t rank = options.decompose.rank;
  if (rank > 0) {
    const double alpha = options.alpha > 0.0 ? options.alpha : static_cast<double>(rank);
    const float root = static_cast<float>(std::sqrt(alpha / static_cast<double>(rank)));
    const auto scaled = [&](const Tensor& from) {
      Tensor to = Tensor::empty(DType::kF32, from.shape());
      for (std::int64_t i = 0; i < from.numel(); ++i)
        to.mutable_data<float>()[i] = from.data<float>()[i] / root;
      return to;
    };
    result.lora_a = scaled(d.l2);
    result.lora_b = scaled(d.l1);
  }
  result.report = {.name = view.name(),
                   .rows = rows,
                   .cols = cols,
                   .config = quantizer.config(),
                   .rank = rank,
                   .relative_error = d.relative_error,
                   .relative_weighted_error = d.relative_weighted_error,
                   .iterations = d.iterations,
                   .seconds = monotonic_seconds() - start,
                   .squared_norm = d.squared_norm,
                   .storage_bytes = result.q.storage_bytes(),
                   .low_rank_bytes = rank * (rows + cols) * 4};
  return result;
}

}  // namespace lq
