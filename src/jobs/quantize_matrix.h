// One matrix of the main job: from the checkpoint's bytes to packed Q and the low-rank factors.
#pragma once

#include "jobs/quantize_model.h"

namespace lq {

struct QuantizedMatrix {
  PackedMatrix q;
  Tensor lora_a;  // [rank, cols] f32: L2 / sqrt(alpha / rank)
  Tensor lora_b;  // [rows, rank] f32: L1 / sqrt(alpha / rank)
  MatrixReport report;
};

// The choice that the options give to this matrix.
const QuantChoice& choice_for(const QuantizeOptions& options, const std::string& name);
std::int64_t rank_for(const QuantizeOptions& options, const std::string& name);

// Throws Error(kInvalidArgument) naming the tensor for NaN or infinity (with its place) or a rank above
// min(rows, cols); what `weights` throws for a matrix that it does not cover.
QuantizedMatrix quantize_matrix(Context& context, const TensorView& view, const QuantizeOptions& options,
                                const MatrixImportance& weights = {});

}  // namespace lq
