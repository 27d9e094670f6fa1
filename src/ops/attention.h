// Attention, causal or over whole sequences, with grouped key/value heads (Ainslie et al. 2023) over packed
// sequences, in blocks: no tokens x tokens matrix exists (Dao et al. 2022). The backward pass makes the
// probabilities again from the saved log-sums.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/attention_shape.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

using backends::AttentionSegment;
using backends::AttentionShape;

// Segments of whole sequences (keys = queries) that start at starts[i]; starts ends with the number of
// tokens.
std::vector<AttentionSegment> whole_segments(std::span<const std::int64_t> starts);

// q, out: [tokens, heads * head_dim]; k, v: [kv tokens, kv_heads * head_dim];
// lse: [heads, tokens], log of each row's sum of exponentials, kept for backward (data null: not wanted).
// sinks: [heads], a logit more in every row's softmax, of a key that is worth nothing (Xiao et al. 2023, as
// gpt-oss has them); empty: none.
void attention_forward(Context& ctx, const AttentionShape& shape, std::span<const AttentionSegment> segments,
                       ConstMatrix q, ConstMatrix k, ConstMatrix v, Matrix out, Matrix lse,
                       ConstVector sinks = {});

// dq = , dk = , dv = . REQUIRES: whole segments that cover all rows; out and lse as forward left them, with
// sinks or without.
void attention_backward(Context& ctx, const AttentionShape& shape, std::span<const AttentionSegment> segments,
                        ConstMatrix q, ConstMatrix k, ConstMatrix v, ConstMatrix out, ConstMatrix lse,
                        ConstMatrix dout, Matrix dq, Matrix dk, Matrix dv);

// dsinks += . out, lse and dout as attention_backward has them.
void attention_sinks_backward(Context& ctx, const AttentionShape& shape, ConstVector sinks, ConstMatrix out,
                              ConstMatrix lse, ConstMatrix dout, Vector dsinks);

}  // namespace lq
