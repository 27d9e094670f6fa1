// Causal attention with grouped key/value heads (Ainslie et al. 2023) over packed sequences, in blocks: no
// tokens x tokens matrix exists (Dao et al. 2022). The backward pass makes the probabilities again from the
// saved log-sums.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// One sequence: its queries are rows [q_begin, q_begin + q_count) of q, its keys rows [kv_begin, kv_begin +
// kv_count) of k and v. The queries are the last q_count of its positions, so query i sees keys up to
// kv_count - q_count + i.
struct AttentionSegment {
  std::int64_t q_begin = 0;
  std::int64_t q_count = 0;
  std::int64_t kv_begin = 0;
  std::int64_t kv_count = 0;
};

struct AttentionShape {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;  // divides heads; query head h reads key head h / (heads / kv_heads)
  std::int64_t head_dim = 0;
  std::int64_t window = 0;  // a query sees its own position and window - 1 before it; 0: all of them
  float scale = 1.0F;       // on the scores; usually 1 / sqrt(head_dim)
};

// Segments of whole sequences (keys = queries) that start at starts[i]; starts ends with the number of
// tokens.
std::vector<AttentionSegment> whole_segments(std::span<const std::int64_t> starts);

// q, out: [tokens, heads * head_dim]; k, v: [kv tokens, kv_heads * head_dim];
// lse: [heads, tokens], log of each row's sum of exponentials, kept for backward (data null: not wanted).
void attention_forward(Context& ctx, const AttentionShape& shape, std::span<const AttentionSegment> segments,
                       ConstMatrix q, ConstMatrix k, ConstMatrix v, Matrix out, Matrix lse);

// dq = , dk = , dv = . REQUIRES: whole segments that cover all rows; out and lse as forward left them.
void attention_backward(Context& ctx, const AttentionShape& shape, std::span<const AttentionSegment> segments,
                        ConstMatrix q, ConstMatrix k, ConstMatrix v, ConstMatrix out, ConstMatrix lse,
                        ConstMatrix dout, Matrix dq, Matrix dk, Matrix dv);

}  // namespace lq
