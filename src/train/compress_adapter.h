// Low-rank factors in NormalFloat of 8 bits (LQ-LoRA, "model compression"; docs/method.md, "Afterwards"):
// A and B become what quantizing them by (8, 8, fp32, 64, 256) leaves of them. The adapter stays one of
// PEFT's, with these values.
#pragma once

#include <memory>

#include "models/model.h"
#include "nn/linear.h"
#include "quant/quantizer.h"
#include "tensor/context.h"

namespace lq {

struct CompressedAdapter {
  double relative_error = 0.0;  // of A and B together: norm of the change over norm
  // Storage over the weights of the matrices that have a low-rank part: codes and scales of both (a dense
  // base counts with its own type), and magnitudes as they are, in bits a weight.
  double bits_per_weight_with_low_rank = 0.0;
};

// That of (8, 8, fp32, 64, 256).
std::unique_ptr<const Quantizer> adapter_quantizer();

// Also of a low-rank part of the embedding. Throws Error(kInvalidArgument) where the model has no low-rank
// part, or one that is not finite.
CompressedAdapter compress_adapter(Context& ctx, Model& model, const Quantizer& quantizer);

}  // namespace lq
