#include "models/transformer_block.h"

#include "ops/columns.h"
#include "ops/device_memory.h"
#include "ops/elementwise.h"

namespace lq {

std::int64_t BlockTape::floats(const Shape& s) {
  const std::int64_t raw = s.qk_norm ? s.attention + s.kv : 0;
  const std::int64_t branches = s.branches ? 2 * s.hidden : 0;
  const std::int64_t routing = s.experts > 0 ? s.experts + s.used : 0;
  return s.tokens * (2 * s.attention + 2 * s.kv + s.heads + s.hidden + s.used * (s.gate + s.inner) + routing +
                     raw + branches);
}

void BlockTape::resize(Device device, const Shape& s) {
  if (storage_.numel() < floats(s) || storage_.device() != device) {
    storage_ = Tensor();
    storage_ = empty_tensor(device, DType::kF32, {floats(s)});
  }
  float* at = storage_.mutable_data<float>();
  const auto take = [&at, device](std::int64_t rows, std::int64_t cols) {
    const Matrix m{at, rows, cols, device};
    at += rows * cols;
    return m;
  };
  attention.q = take(s.tokens, s.attention);
  attention.k = take(s.tokens, s.kv);
  attention.v = take(s.tokens, s.kv);
  attention.out = take(s.tokens, s.attention);
  attention.lse = take(s.heads, s.tokens);
  middle = take(s.tokens, s.hidden);
  MlpTape& in = s.experts > 0 ? experts.inner : mlp;
  in.gate = take(s.tokens * s.used, s.gate);
  in.up = take(s.tokens * s.used, s.inner);
  experts.shares = take(s.tokens, s.experts);
  experts.weights = take(s.tokens, s.experts > 0 ? s.used : 0);
  attention.raw_q = s.qk_norm ? take(s.tokens, s.attention) : Matrix{};
  attention.raw_k = s.qk_norm ? take(s.tokens, s.kv) : Matrix{};
  attention_branch = s.branches ? take(s.tokens, s.hidden) : Matrix{};
  mlp_branch = s.branches ? take(s.tokens, s.hidden) : Matrix{};
}

std::vector<Module> TransformerBlock::modules() {
  std::vector<Module> modules;
  // Four inputs a block: the first norm's output, attention's, the second norm's, the activation's product;
  // each expert has the last two for itself.
  const auto add = [&](Role role, std::int64_t input, Linear& linear) {
    modules.push_back({linear.name(), role, layer_, first_group_ + input, {}, &linear});
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
  if (auto* const experts = std::get_if<Experts>(&mlp_)) {
    std::int64_t input = 2;
    for (Mlp& e : experts->experts) {
      add(Role::kExpertGate, input, e.in.linears()[0]);
      add(Role::kExpertUp, input++, e.in.linears()[1]);
      add(Role::kExpertDown, input++, e.down);
    }
    return modules;
  }
  Mlp& mlp = std::get<Mlp>(mlp_);
  std::vector<Linear>& in = mlp.in.linears();
  if (mlp.in.is_fused()) {
    add(Role::kGateUp, 2, in[0]);
  } else {
    if (mlp.gated()) add(Role::kGate, 2, in[0]);
    add(Role::kUp, 2, in.back());
  }
  add(Role::kDown, 3, mlp.down);
  return modules;
}

std::int64_t TransformerBlock::input_groups() const {
  const auto* const experts = std::get_if<Experts>(&mlp_);
  return experts == nullptr ? 4 : 2 + 2 * experts->count();
}

BlockTape::Shape TransformerBlock::tape_shape(std::int64_t tokens) const {
  const auto* const experts = std::get_if<Experts>(&mlp_);
  const Mlp& mlp = experts != nullptr ? experts->experts.front() : std::get<Mlp>(mlp_);
  return {tokens,
          attention_.qkv.in(),
          attention_.width(),
          attention_.kv_width(),
          attention_.shape.heads,
          mlp.gated() ? mlp.inner() : 0,
          mlp.inner(),
          experts != nullptr ? experts->count() : 0,
          experts != nullptr ? experts->used : 1,
          static_cast<bool>(attention_.norms),
          keeps_branches()};
}

void TransformerBlock::project(Context& ctx, Workspace& ws, ConstMatrix x, BlockTape& tape) const {
  if (const auto* experts = std::get_if<Experts>(&mlp_)) return experts->project(ctx, ws, x, tape.experts);
  std::get<Mlp>(mlp_).project(ctx, ws, x, tape.mlp);
}

void TransformerBlock::finish(Context& ctx, Workspace& ws, const BlockTape& tape, Matrix y) const {
  if (const auto* experts = std::get_if<Experts>(&mlp_)) return experts->finish(ctx, ws, tape.experts, y);
  std::get<Mlp>(mlp_).finish(ctx, ws, tape.mlp, y);
}

void TransformerBlock::feed_backward(Context& ctx, Workspace& ws, ConstMatrix x, BlockTape& tape,
                                     ConstMatrix dy, Matrix dx) {
  if (auto* experts = std::get_if<Experts>(&mlp_)) return experts->backward(ctx, ws, x, tape.experts, dy, dx);
  std::get<Mlp>(mlp_).backward(ctx, ws, x, tape.mlp, dy, dx);
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
  tape.resize(x.device, tape_shape(x.rows));
  Scratch scratch(ws);
  const Matrix normal = scratch.matrix(x.rows, x.cols);
  const Matrix branch = keeps_branches() ? tape.attention_branch : tape.middle;
  const ConstMatrix seen = enter(ctx, ws, attention_norms_.before, x, normal);
  attention_.forward(ctx, ws, plan, seen, tape.attention, branch);
  join(ctx, x, branch);
  leave(ctx, ws, attention_norms_.after, x, branch, tape.middle);
  project(ctx, ws, enter(ctx, ws, mlp_norms_.before, tape.middle, normal), tape);
  if (!keeps_branches()) return;
  finish(ctx, ws, tape, tape.mlp_branch);
  join(ctx, tape.middle, tape.mlp_branch);
}

void TransformerBlock::forward(Context& ctx, Workspace& ws, const SequencePlan& plan, ConstMatrix x,
                               BlockTape& tape, Matrix y) const {
  fill_tape(ctx, ws, plan, x, tape);
  if (!keeps_branches()) finish(ctx, ws, tape, y);
  leave(ctx, ws, mlp_norms_.after, tape.middle, keeps_branches() ? tape.mlp_branch : y, y);
}

void TransformerBlock::forward_cached(Context& ctx, Workspace& ws, const SequencePlan& plan,
                                      std::span<KvCache* const> caches, std::int64_t layer, Matrix x) const {
  Scratch scratch(ws);
  const Matrix normal = scratch.matrix(x.rows, x.cols);
  const Matrix branch = scratch.matrix(x.rows, x.cols);
  const BlockTape::Shape shape = tape_shape(x.rows);
  BlockTape tape;
  MlpTape& in = shape.experts > 0 ? tape.experts.inner : tape.mlp;
  in = {scratch.matrix(x.rows * shape.used, shape.gate), scratch.matrix(x.rows * shape.used, shape.inner)};
  tape.experts.shares = scratch.matrix(x.rows, shape.experts);
  tape.experts.weights = scratch.matrix(x.rows, shape.experts > 0 ? shape.used : 0);
  const auto next = [&](const Norm& after) {
    if (!keeps_branches()) {
      if (residual_ != 1.0F) scale(ctx, residual_, branch);
      return add_forward(ctx, branch, x);
    }
    join(ctx, x, branch);
    leave(ctx, ws, after, x, branch, branch);
    take_columns(ctx, branch, 0, x);
  };
  attention_.forward_cached(ctx, ws, plan, enter(ctx, ws, attention_norms_.before, x, normal), caches, layer,
                            branch);
  next(attention_norms_.after);
  project(ctx, ws, enter(ctx, ws, mlp_norms_.before, x, normal), tape);
  finish(ctx, ws, tape, branch);
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
    feed_backward(ctx, ws, seen, tape, dbranch, dnormal);
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
