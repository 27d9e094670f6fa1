// Self-attention: o( attention( rope(q x), rope(k x), v x ) ); with QK-norm o( attention( rope(norm(q x)),
// rope(norm(k x)), v x ) ), each head normalized by itself or the whole width. Layers may be without
// rotation; the softmax may have a learned logit more a head, a sink.
#pragma once

#include <span>

#include "nn/kv_cache.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/projections.h"
#include "nn/sequence_plan.h"
#include "ops/attention.h"
#include "tensor/workspace.h"

namespace lq {

// Kept from forward for backward. q, out: [tokens, heads * head_dim]; k, v: [tokens, kv_heads * head_dim];
// lse: [heads, tokens]. q and k are after norm and rotation; with QK-norm raw_q and raw_k, of their shapes,
// are before both.
struct AttentionTape {
  Matrix q, k, v, out, lse;
  Matrix raw_q, raw_k;
};

// Norms of queries and keys before rotation: their width is head_dim, or that of all heads together.
struct QueryKeyNorms {
  Norm q, k;  // both or neither

  explicit operator bool() const { return static_cast<bool>(q); }
};

struct SelfAttention {
  Projections qkv;
  Linear o;
  AttentionShape shape;
  QueryKeyNorms norms = {};
  RopeUse rope = RopeUse::kGlobal;
  Parameter* sinks = nullptr;  // [heads], F32; null: none. It outlives this

  std::int64_t width() const { return qkv.out(0); }
  std::int64_t kv_width() const { return qkv.out(1); }

  // y = attention(x), and the tape is filled. x, y: [tokens, hidden].
  void forward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
               const AttentionTape& tape, Matrix y) const;
  // The same for the next tokens of cached sequences, one segment each: its queries are rows of x, its keys
  // those of its cache and its own. The caches get their keys and values, not advanced.
  // REQUIRES: plan.segments[i] has caches[i]->length() + q_count keys from row 0.
  void forward_cached(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                      std::span<KvCache* const> caches, std::int64_t layer, Matrix y) const;
  // dx = (not if dx.data is null). x as in forward. The tape is used up.
  void backward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                const AttentionTape& tape, ConstMatrix dy, Matrix dx);

 private:
  ConstVector sink_values() const { return sinks != nullptr ? sinks->values() : ConstVector(); }
  void rotate(Context& ctx, const SequencePlan& plan, Matrix q, Matrix k) const;
};

}  // namespace lq
