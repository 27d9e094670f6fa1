// What a head over sequences says of examples, and the loss where they have labels.
#pragma once

#include <cstdint>
#include <span>

#include "data/encode_example.h"
#include "models/model.h"
#include "tensor/context.h"
#include "tensor/tensor.h"

namespace lq {

// Outputs of each example, in their order: [examples, outputs] f32. About `tokens` tokens pass through the
// model together; the result does not depend on that, nor on the threads. Throws as Model::label_outputs.
Tensor label_outputs(Context& ctx, const Model& model, std::span<const EncodedExample> examples,
                     std::int64_t tokens = 4096);

}  // namespace lq
