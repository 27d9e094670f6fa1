#include "models/transformer_block.h"

#include "ops/columns.h"
#include "ops/elementwise.h"

namespace lq {

std::int64_t BlockTape::floats(const Shape& s) {
  const std::int64_t raw = s.qk_norm ? s.attention + s.kv : 0;
  const std::int64_t branches = s.branches ? 2 * s.hidden : 0;
  return s.tokens * (2 * s.attention + 2 * s.kv + s.heads + s.hidden + s.gate + s.inner + raw + branches);
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
  mlp.gate = take(s.tokens, s.gate);
  mlp.up = take(s.tokens, s.inner);
  attention.raw_q = s.qk_norm ? take(s.tokens, s.attention) : Matrix{};
  attention.raw_k = s.qk_norm ? take(s.tokens, s.kv) : Matrix{};
  attention_branch = s.branches ? take(s.tokens, s.hidden) : Matrix{};
  mlp_branch = s.branches ? take(s.tokens, s.hidden) : Matrix{};
}

std::vector<Module> TransformerBlock::modules() {
  std::vector<Module> modules;
  // Four inputs a block: the first norm's output, attention's, the second norm's, the activation's product.
  const auto add = [&](Role role, std::int64_t input, Linear& linear) {
    modules.push_back({linear.name(), role, layer_, 4 * layer_ + input, {}, &linear});
  };
  std::vector<Linear>& qkv = attention_.qkv.linears();
  if (attention_.qkv.is_fused()) {
    add(Role::kQkv, 0, qkv[0]);
  } else {
    add(Role::kQ, 0, qkv[0]);
    add(Role::kK, 0, qkv[1]);
    add(Role::kV, 0, qkv[2]);
  }
  add(Role::kO, 1, attention_.o);
  std::vector<Linear>& in = mlp_.in.linears();
  if (mlp_.in.is_fused()) {
    add(Role::kGateUp, 2, in[0]);
  } else {
    if (mlp_.gated()) add(Role::kGate, 2, in[0]);
    add(Role::kUp, 2, in.back());
  }
  add(Role::kDown, 3, mlp_.down);
  return modules;
}

BlockTape::Shape TransformerBlock::tape_shape(std::int64_t tokens) const {
  return {tokens,
          attention_.qkv.in(),
          attention_.width(),
          attention_.kv_width(),
          attention_.shape.heads,
          mlp_.gated() ? mlp_.inner() : 0,
          mlp_.inner(),
          static_cast<bool>(attention_.norms),
          keeps_branches()};
}

ConstMatrix TransformerBlock::enter(Context& ctx, Workspace& ws, const Norm& before, ConstMatrix x,
                                    Matrix normal) const {
  if (!before) return x;
  before.forward(ctx, ws, x, normal);
  return normal;
}

void TransformerBlock::join(Context& ctx, ConstMatrix x, Matrix branch) const {
  if (place_ != NormPlace::kPost) return;
  if (residual_ != 1.0F) scale(ctx, residual_, branch);
  add_forward(ctx, x, branch);
}

void TransformerBlock::leave(Context& ctx, Workspace& ws, const Norm& after, ConstMatrix x, Matrix branch,
                             Matrix to) const {
  if (after) after.forward(ctx, ws, branch, to);
  if (place_ == NormPlace::kPost) return;
  if (residual_ != 1.0F) scale(ctx, residual_, to);
  add_forward(ctx, x, to);
}

void TransformerBlock::fill_tape(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                                 BlockTape& tape) const {
  tape.resize(tape_shape(x.rows));
  Scratch scratch(ws);
  const Matrix normal = scratch.matrix(x.rows, x.cols);
  const Matrix branch = keeps_branches() ? tape.attention_branch : tape.middle;
  const ConstMatrix seen = enter(ctx, ws, attention_norms_.before, x, normal);
  attention_.forward(ctx, ws, plan, seen, tape.attention, branch);
  join(ctx, x, branch);
  leave(ctx, ws, attention_norms_.after, x, branch, tape.middle);
  mlp_.project(ctx, ws, enter(ctx, ws, mlp_norms_.before, tape.middle, normal), tape.mlp);
  if (!keeps_branches()) return;
  mlp_.finish(ctx, ws, tape.mlp, tape.mlp_branch);
  join(ctx, tape.middle, tape.mlp_branch);
}

void TransformerBlock::forward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                               BlockTape& tape, Matrix y) const {
  fill_tape(ctx, ws, plan, x, tape);
  if (!keeps_branches()) mlp_.finish(ctx, ws, tape.mlp, y);
  leave(ctx, ws, mlp_norms_.after, tape.middle, keeps_branches() ? tape.mlp_branch : y, y);
}

void TransformerBlock::forward_cached(Context& ctx, Workspace& ws, const SequencePlan& plan, KvCache& cache,
                                      std::int64_t layer, Matrix x) const {
  Scratch scratch(ws);
  const Matrix normal = scratch.matrix(x.rows, x.cols);
  const Matrix branch = scratch.matrix(x.rows, x.cols);
  const MlpTape tape{scratch.matrix(x.rows, mlp_.gated() ? mlp_.inner() : 0),
                     scratch.matrix(x.rows, mlp_.inner())};
  const auto next = [&](const Norm& after) {
    if (!keeps_branches()) {
      if (residual_ != 1.0F) scale(ctx, residual_, branch);
      return add_forward(ctx, branch, x);
    }
    join(ctx, x, branch);
    leave(ctx, ws, after, x, branch, branch);
    take_columns(ctx, branch, 0, x);
  };
  attention_.forward_cached(ctx, ws, plan, enter(ctx, ws, attention_norms_.before, x, normal), cache, layer,
                            branch);
  next(attention_norms_.after);
  mlp_.project(ctx, ws, enter(ctx, ws, mlp_norms_.before, x, normal), tape);
  mlp_.finish(ctx, ws, tape, branch);
  next(mlp_norms_.after);
}

ConstMatrix TransformerBlock::leave_backward(Context& ctx, Workspace& ws, const Norm& after,
                                             ConstMatrix branch, Matrix dy, Matrix to) const {
  const bool post = place_ == NormPlace::kPost;
  if (!after && residual_ == 1.0F) return dy;
  if (!after) {
    take_columns(ctx, dy, 0, to);
  } else {
    Scratch scratch(ws);
    ConstMatrix dnorm = dy;
    if (!post && residual_ != 1.0F) {
      const Matrix scaled = scratch.matrix(dy.rows, dy.cols);
      take_columns(ctx, dy, 0, scaled);
      scale(ctx, residual_, scaled);
      dnorm = scaled;
    }
    const NormSaved saved = after.saved(scratch, branch);
    after.forward(ctx, ws, branch, to, saved);  // for what it saves; overwritten
    fill(ctx, to, 0.0F);
    after.backward(ctx, ws, branch, saved, dnorm, to);
  }
  if (post) take_columns(ctx, to, 0, dy);
  if (residual_ != 1.0F && (post || !after)) scale(ctx, residual_, to);
  return to;
}

void TransformerBlock::backward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                                BlockTape& tape, Matrix dy_to_dx, bool dx_wanted) {
  Scratch scratch(ws);
  const Matrix normal = scratch.matrix(x.rows, x.cols);
  const Matrix dnormal = scratch.matrix(x.rows, x.cols);
  const bool apart = keeps_branches() || residual_ != 1.0F;
  const Matrix room = apart ? scratch.matrix(x.rows, x.cols) : Matrix{};
  // The gradient of what a branch read, in dnormal, goes on to the stream that it read.
  const auto enter_backward = [&](const Norm& before, ConstMatrix from, const NormSaved& saved) {
    if (before) return before.backward(ctx, ws, from, saved, dnormal, dy_to_dx);
    add_forward(ctx, dnormal, dy_to_dx);
  };
  const auto read = [&](Scratch& inner, const Norm& before, ConstMatrix from, NormSaved& saved) {
    if (!before) return from;
    saved = before.saved(inner, from);
    before.forward(ctx, ws, from, normal, saved);
    return ConstMatrix(normal);
  };
  {
    Scratch inner(ws);
    NormSaved saved;
    const ConstMatrix seen = read(inner, mlp_norms_.before, tape.middle, saved);
    const ConstMatrix dbranch = leave_backward(ctx, ws, mlp_norms_.after, tape.mlp_branch, dy_to_dx, room);
    mlp_.backward(ctx, ws, seen, tape.mlp, dbranch, dnormal);
    enter_backward(mlp_norms_.before, tape.middle, saved);
  }
  NormSaved saved;
  const ConstMatrix seen = read(scratch, attention_norms_.before, x, saved);
  const bool to_norm = dx_wanted || (attention_norms_.before && attention_norms_.before.learns());
  const ConstMatrix dbranch =
      leave_backward(ctx, ws, attention_norms_.after, tape.attention_branch, dy_to_dx, room);
  attention_.backward(ctx, ws, plan, seen, tape.attention, dbranch, to_norm ? dnormal : Matrix{});
  if (to_norm) enter_backward(attention_norms_.before, x, saved);
}

}  // namespace lq
