// Causal self-attention with rotary positions: o( attention( rope(q x), rope(k x), v x ) ).
#pragma once

#include "nn/kv_cache.h"
#include "nn/linear.h"
#include "nn/sequence_plan.h"
#include "ops/attention.h"
#include "tensor/workspace.h"

namespace lq {

// Kept from forward for backward. q, out: [tokens, heads * head_dim]; k, v: [tokens, kv_heads * head_dim];
// lse: [heads, tokens]. q and k are after rotation.
struct AttentionTape {
  Matrix q, k, v, out, lse;
};

struct SelfAttention {
  Linear q;
  Linear k;
  Linear v;
  Linear o;
  AttentionShape shape;

  // y = attention(x), and the tape is filled. x, y: [tokens, hidden].
  void forward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
               const AttentionTape& tape, Matrix y) const;
  // The same for the next tokens of one cached sequence; the cache gets their keys and values, not advanced.
  // REQUIRES: plan.segments is one segment of x.rows queries and cache.length() + x.rows keys.
  void forward_cached(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x, KvCache& cache,
                      std::int64_t layer, Matrix y) const;
  // dx = (not if dx.data is null). x as in forward. The tape is used up.
  void backward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                const AttentionTape& tape, ConstMatrix dy, Matrix dx);
};

}  // namespace lq
