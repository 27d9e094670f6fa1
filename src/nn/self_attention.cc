#include "nn/self_attention.h"

#include "ops/rope.h"

namespace lq {

void SelfAttention::forward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                            const AttentionTape& tape, Matrix y) const {
  q.forward(ctx, ws, x, tape.q);
  k.forward(ctx, ws, x, tape.k);
  v.forward(ctx, ws, x, tape.v);
  rope_forward(ctx, plan.rope, shape.heads, tape.q);
  rope_forward(ctx, plan.rope, shape.kv_heads, tape.k);
  attention_forward(ctx, shape, plan.segments, tape.q, tape.k, tape.v, tape.out, tape.lse);
  o.forward(ctx, ws, tape.out, y);
}

void SelfAttention::forward_cached(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                                   KvCache& cache, std::int64_t layer, Matrix y) const {
  Scratch scratch(ws);
  const std::int64_t n = x.rows;
  const Matrix query = scratch.matrix(n, q.out());
  const Matrix out = scratch.matrix(n, q.out());
  const Matrix keys = cache.keys(layer, n);
  const Matrix values = cache.values(layer, n);
  const Matrix new_keys = keys.slice(cache.length(), n);
  q.forward(ctx, ws, x, query);
  k.forward(ctx, ws, x, new_keys);
  v.forward(ctx, ws, x, values.slice(cache.length(), n));
  rope_forward(ctx, plan.rope, shape.heads, query);
  rope_forward(ctx, plan.rope, shape.kv_heads, new_keys);
  attention_forward(ctx, shape, plan.segments, query, keys, values, out, {});
  o.forward(ctx, ws, out, y);
}

void SelfAttention::backward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                             const AttentionTape& tape, ConstMatrix dy, Matrix dx) {
  Scratch scratch(ws);
  const Matrix dout = scratch.matrix(x.rows, q.out());
  const Matrix dq = scratch.matrix(x.rows, q.out());
  const Matrix dk = scratch.matrix(x.rows, k.out());
  const Matrix dv = scratch.matrix(x.rows, k.out());
  o.backward(ctx, ws, tape.out, dy, dout, false);
  attention_backward(ctx, shape, plan.segments, tape.q, tape.k, tape.v, tape.out, tape.lse, dout, dq, dk, dv);
  rope_backward(ctx, plan.rope, shape.heads, dq);
  rope_backward(ctx, plan.rope, shape.kv_heads, dk);
  q.backward(ctx, ws, x, dq, dx, false);
  k.backward(ctx, ws, x, dk, dx, true);
  v.backward(ctx, ws, x, dv, dx, true);
}

}  // namespace lq
