// Attention in blocks on the processor; contracts as in ops/attention.h, which has checked the shapes.
#pragma once

#include <span>

#include "backends/attention_shape.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void attention_forward(Context& ctx, const AttentionShape& shape, std::span<const AttentionSegment> segments,
                       ConstMatrix q, ConstMatrix k, ConstMatrix v, Matrix out, Matrix lse,
                       ConstVector sinks = {});

// Without the sinks' own gradient: what q, k and v have of them lies in lse.
void attention_backward(Context& ctx, const AttentionShape& shape, std::span<const AttentionSegment> segments,
                        ConstMatrix q, ConstMatrix k, ConstMatrix v, ConstMatrix out, ConstMatrix lse,
                        ConstMatrix dout, Matrix dq, Matrix dk, Matrix dv);

// dsinks += , one number a head, each by one job over the tokens in their order.
void attention_sinks_backward(Context& ctx, const AttentionShape& shape, ConstVector sinks, ConstMatrix out,
                              ConstMatrix lse, ConstMatrix dout, Vector dsinks);

}  // namespace lq::backends::cpu
