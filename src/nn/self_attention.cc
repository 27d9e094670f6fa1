#include "nn/self_attention.h"

#include <array>

#include "ops/elementwise.h"
#include "ops/rope.h"

namespace lq {
namespace {

// dx = . x as in forward.
void norm_backward(Context& ctx, Workspace& ws, const Norm& norm, ConstMatrix x, ConstMatrix dy, Matrix dx) {
  Scratch scratch(ws);
  const NormSaved saved = norm.saved(scratch, x);
  norm.forward(ctx, ws, x, dx, saved);  // for what it saves; dx is overwritten
  fill(ctx, dx.flat(), 0.0F);
  norm.backward(ctx, ws, x, saved, dy, dx);
}

}  // namespace

void SelfAttention::rotate(Context& ctx, const SequencePlan& plan, Matrix q, Matrix k) const {
  const RopeTable* const table = plan.rope_of(rope);
  if (table == nullptr) return;
  rope_forward(ctx, *table, shape.heads, q);
  rope_forward(ctx, *table, shape.kv_heads, k);
}

void SelfAttention::forward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                            const AttentionTape& tape, Matrix y) const {
  qkv.forward(ctx, ws, x, std::array{norms ? tape.raw_q : tape.q, norms ? tape.raw_k : tape.k, tape.v});
  if (norms) {
    norms.q.forward(ctx, ws, tape.raw_q, tape.q);
    norms.k.forward(ctx, ws, tape.raw_k, tape.k);
  }
  rotate(ctx, plan, tape.q, tape.k);
  attention_forward(ctx, shape, plan.segments, tape.q, tape.k, tape.v, tape.out, tape.lse, sink_values());
  o.forward(ctx, ws, tape.out, y);
}

void SelfAttention::forward_cached(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                                   std::span<KvCache* const> caches, std::int64_t layer, Matrix y) const {
  Scratch scratch(ws);
  const std::int64_t n = x.rows;
  const Matrix query = scratch.matrix(n, width());
  const Matrix out = scratch.matrix(n, width());
  const Matrix new_keys = scratch.matrix(n, shape.kv_heads * shape.head_dim);
  const Matrix new_values = scratch.matrix(n, shape.kv_heads * shape.head_dim);
  qkv.forward(ctx, ws, x, std::array{query, new_keys, new_values});
  if (norms) {
    norms.q.forward(ctx, ws, query, query);
    norms.k.forward(ctx, ws, new_keys, new_keys);
  }
  rotate(ctx, plan, query, new_keys);
  for (std::size_t i = 0; i < caches.size(); ++i) {
    const AttentionSegment& s = plan.segments[i];
    KvCache& cache = *caches[i];
    const AttentionSegment& alone = plan.alone[i];
    cache.put(ctx, layer, alone, new_keys.slice(s.q_begin, s.q_count),
              new_values.slice(s.q_begin, s.q_count));
    attention_forward(ctx, shape, std::span(&alone, 1), query.slice(s.q_begin, s.q_count),
                      cache.keys(layer, s.q_count), cache.values(layer, s.q_count),
                      out.slice(s.q_begin, s.q_count), {}, sink_values());
  }
  o.forward(ctx, ws, out, y);
}

void SelfAttention::backward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                             const AttentionTape& tape, ConstMatrix dy, Matrix dx) {
  Scratch scratch(ws);
  const Matrix dout = scratch.matrix(x.rows, width());
  const Matrix dq = scratch.matrix(x.rows, width());
  const Matrix dk = scratch.matrix(x.rows, kv_width());
  const Matrix dv = scratch.matrix(x.rows, kv_width());
  o.backward(ctx, ws, tape.out, dy, dout, false);
  attention_backward(ctx, shape, plan.segments, tape.q, tape.k, tape.v, tape.out, tape.lse, dout, dq, dk, dv);
  if (sinks != nullptr && sinks->trainable())
    attention_sinks_backward(ctx, shape, sinks->values(), tape.out, tape.lse, dout, sinks->grads());
  if (const RopeTable* const table = plan.rope_of(rope)) {
    rope_backward(ctx, *table, shape.heads, dq);
    rope_backward(ctx, *table, shape.kv_heads, dk);
  }
  // The rotated values have served: their place takes the gradients before the norms.
  const Matrix raw_dq = norms ? tape.q : dq;
  const Matrix raw_dk = norms ? tape.k : dk;
  if (norms) {
    norm_backward(ctx, ws, norms.q, tape.raw_q, dq, raw_dq);
    norm_backward(ctx, ws, norms.k, tape.raw_k, dk, raw_dk);
  }
  qkv.backward(ctx, ws, x, std::array{raw_dq, raw_dk, dv}, dx);
}

}  // namespace lq
