#include "nn/self_attention.h"

#include "ops/elementwise.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"

namespace lq {
namespace {

// Every head of every token as a row of its own.
Matrix heads_of(Matrix m, std::int64_t head_dim) { return {m.data, m.size() / head_dim, head_dim, m.device}; }
ConstMatrix heads_of(ConstMatrix m, std::int64_t head_dim) {
  return {m.data, m.size() / head_dim, head_dim, m.device};
}

// y = norm(x), head by head. y may be x.
void norm_heads(Context& ctx, Workspace& ws, const Parameter& w, float eps, ConstMatrix x, Matrix y) {
  const std::int64_t dim = w.value.numel();
  const ConstMatrix rows = heads_of(x, dim);
  Scratch scratch(ws);
  rms_norm_forward(ctx, rows, w.values(), eps, heads_of(y, dim), scratch.vector(rows.rows));
}

// dx = , and the weight's gradient += where it learns. x as in norm_heads.
void norm_heads_backward(Context& ctx, Workspace& ws, Parameter& w, float eps, ConstMatrix x, ConstMatrix dy,
                         Matrix dx) {
  const std::int64_t dim = w.value.numel();
  const ConstMatrix rows = heads_of(x, dim);
  Scratch scratch(ws);
  const Vector rstd = scratch.vector(rows.rows);
  rms_norm_forward(ctx, rows, w.values(), eps, heads_of(dx, dim), rstd);  // for rstd; dx is overwritten
  fill(ctx, dx.flat(), 0.0F);
  rms_norm_backward(ctx, rows, w.values(), rstd, heads_of(dy, dim), heads_of(dx, dim), w.grads());
}

}  // namespace

void SelfAttention::forward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                            const AttentionTape& tape, Matrix y) const {
  q.forward(ctx, ws, x, norms ? tape.raw_q : tape.q);
  k.forward(ctx, ws, x, norms ? tape.raw_k : tape.k);
  v.forward(ctx, ws, x, tape.v);
  if (norms) {
    norm_heads(ctx, ws, *norms.q, norms.eps, tape.raw_q, tape.q);
    norm_heads(ctx, ws, *norms.k, norms.eps, tape.raw_k, tape.k);
  }
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
  if (norms) {
    norm_heads(ctx, ws, *norms.q, norms.eps, query, query);
    norm_heads(ctx, ws, *norms.k, norms.eps, new_keys, new_keys);
  }
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
  // The rotated values have served: their place takes the gradients before the norms.
  const Matrix raw_dq = norms ? tape.q : dq;
  const Matrix raw_dk = norms ? tape.k : dk;
  if (norms) {
    norm_heads_backward(ctx, ws, *norms.q, norms.eps, tape.raw_q, dq, raw_dq);
    norm_heads_backward(ctx, ws, *norms.k, norms.eps, tape.raw_k, dk, raw_dk);
  }
  q.backward(ctx, ws, x, raw_dq, dx, false);
  k.backward(ctx, ws, x, raw_dk, dx, true);
  v.backward(ctx, ws, x, dv, dx, true);
}

}  // namespace lq
