// Attention in blocks on the processor; contracts as in ops/attention.h, which has checked the shapes.
#pragma once

#include <span>

#include "backends/attention_shape.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void attention_forward(Context& ctx, const AttentionShape& shape, std::span<const AttentionSegment> segments,
                       ConstMatrix q, ConstMatrix k, ConstMatrix v, Matrix out, Matrix lse);

void attention_backward(Context& ctx, const AttentionShape& shape, std::span<const AttentionSegment> segments,
                        ConstMatrix q, ConstMatrix k, ConstMatrix v, ConstMatrix out, ConstMatrix lse,
                        ConstMatrix dout, Matrix dq, Matrix dk, Matrix dv);

}  // namespace lq::backends::cpu
