#include "models/transformer_block.h"

#include <algorithm>
#include <cstring>

#include "ops/elementwise.h"
#include "ops/rms_norm.h"

namespace lq {

std::int64_t BlockTape::floats(const Shape& s) {
  const std::int64_t raw = s.qk_norm ? s.attention + s.kv : 0;
  return s.tokens * (2 * s.attention + 2 * s.kv + s.heads + s.hidden + 2 * s.inner + raw);
}

void BlockTape::resize(const Shape& s) {
  if (storage_.numel() < floats(s)) {
    storage_ = Tensor();
    storage_ = Tensor::empty(DType::kF32, {floats(s)});
  }
  float* at = storage_.mutable_data<float>();
  const auto take = [&at](std::int64_t rows, std::int64_t cols) {
    const Matrix m{at, rows, cols};
    at += rows * cols;
    return m;
  };
  attention.q = take(s.tokens, s.attention);
  attention.k = take(s.tokens, s.kv);
  attention.v = take(s.tokens, s.kv);
  attention.out = take(s.tokens, s.attention);
  attention.lse = take(s.heads, s.tokens);
  middle = take(s.tokens, s.hidden);
  mlp.gate = take(s.tokens, s.inner);
  mlp.up = take(s.tokens, s.inner);
  attention.raw_q = s.qk_norm ? take(s.tokens, s.attention) : Matrix{};
  attention.raw_k = s.qk_norm ? take(s.tokens, s.kv) : Matrix{};
}

std::vector<Module> TransformerBlock::modules() {
  std::vector<Module> modules;
  // Four inputs a block: the first norm's output, attention's, the second norm's, the gate's product.
  const auto add = [&](Role role, std::int64_t input, Linear& linear) {
    modules.push_back({linear.name(), role, layer_, 4 * layer_ + input, {}, &linear});
  };
  add(Role::kQ, 0, attention_.q);
  add(Role::kK, 0, attention_.k);
  add(Role::kV, 0, attention_.v);
  add(Role::kO, 1, attention_.o);
  add(Role::kGate, 2, mlp_.gate);
  add(Role::kUp, 2, mlp_.up);
  add(Role::kDown, 3, mlp_.down);
  return modules;
}

BlockTape::Shape TransformerBlock::tape_shape(std::int64_t tokens) const {
  return {tokens,
          attention_.q.in(),
          attention_.q.out(),
          attention_.k.out(),
          attention_.shape.heads,
          mlp_.gate.out(),
          static_cast<bool>(attention_.norms)};
}

void TransformerBlock::fill_tape(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                                 BlockTape& tape) const {
  tape.resize(tape_shape(x.rows));
  Scratch scratch(ws);
  const Matrix normal = scratch.matrix(x.rows, x.cols);
  const Vector rstd = scratch.vector(x.rows);
  rms_norm_forward(ctx, x, norm1_.values(), eps_, normal, rstd);
  attention_.forward(ctx, ws, plan, normal, tape.attention, tape.middle);
  add_forward(ctx, x, tape.middle);
  rms_norm_forward(ctx, tape.middle, norm2_.values(), eps_, normal, rstd);
  mlp_.project(ctx, ws, normal, tape.mlp);
}

void TransformerBlock::forward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                               BlockTape& tape, Matrix y) const {
  fill_tape(ctx, ws, plan, x, tape);
  mlp_.finish(ctx, ws, tape.mlp, y);
  add_forward(ctx, tape.middle, y);
}

void TransformerBlock::forward_cached(Context& ctx, Workspace& ws, const SequencePlan& plan, KvCache& cache,
                                      std::int64_t layer, Matrix x) const {
  Scratch scratch(ws);
  const Matrix normal = scratch.matrix(x.rows, x.cols);
  const Matrix branch = scratch.matrix(x.rows, x.cols);
  const Vector rstd = scratch.vector(x.rows);
  const MlpTape tape{scratch.matrix(x.rows, mlp_.gate.out()), scratch.matrix(x.rows, mlp_.gate.out())};
  rms_norm_forward(ctx, x, norm1_.values(), eps_, normal, rstd);
  attention_.forward_cached(ctx, ws, plan, normal, cache, layer, branch);
  add_forward(ctx, branch, x);
  rms_norm_forward(ctx, x, norm2_.values(), eps_, normal, rstd);
  mlp_.project(ctx, ws, normal, tape);
  mlp_.finish(ctx, ws, tape, branch);
  add_forward(ctx, branch, x);
}

void TransformerBlock::backward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                                BlockTape& tape, Matrix dy_to_dx, bool dx_wanted) {
  Scratch scratch(ws);
  const Matrix normal = scratch.matrix(x.rows, x.cols);
  const Matrix dnormal = scratch.matrix(x.rows, x.cols);
  const Vector rstd = scratch.vector(x.rows);
  rms_norm_forward(ctx, tape.middle, norm2_.values(), eps_, normal, rstd);
  mlp_.backward(ctx, ws, normal, tape.mlp, dy_to_dx, dnormal);
  rms_norm_backward(ctx, tape.middle, norm2_.values(), rstd, dnormal, dy_to_dx, norm2_.grads());
  rms_norm_forward(ctx, x, norm1_.values(), eps_, normal, rstd);
  const bool to_norm = dx_wanted || !norm1_.grads().empty();
  attention_.backward(ctx, ws, plan, normal, tape.attention, dy_to_dx, to_norm ? dnormal : Matrix{});
  if (!to_norm) return;
  rms_norm_backward(ctx, x, norm1_.values(), rstd, dnormal, dy_to_dx, norm1_.grads());
}

}  // namespace lq
