#include "nn/linear.h"

#include <algorithm>
#include <vector>

#include "backends/cpu/transformer_gemv.h"
#include "ops/elementwise.h"
#include "ops/folded_matmul.h"
#include "ops/lengths.h"
#include "ops/matmul.h"
#include "ops/packed_matmul.h"

namespace lq {
namespace {

// y += scaling (x A^T) B^T. rounds: A and B may be rounded where the context decodes fast.
void add_low_rank(Context& ctx, Workspace& ws, const Lora& lora, bool rounds, ConstMatrix x, Matrix y) {
  Scratch scratch(ws);
  const Matrix xa = scratch.matrix(x.rows, lora.rank());
  if (x.rows > backends::kGemvVectors) {
    matmul_nt(ctx, x, const_matrix_of(lora.a.value), xa, {.linear = true});
    matmul_nt(ctx, xa, const_matrix_of(lora.b.value), y,
              {.alpha = lora.scaling, .accumulate = true, .linear = true});
    return;
  }
  Context few = ctx;
  if (!rounds) few.decode_precision = DecodePrecision::kFine;
  const Matrix low = scratch.matrix(x.rows, y.cols);
  lora.a_rounded.forward(few, ws, x, xa);
  scale(ctx, lora.scaling, xa);
  lora.b_rounded.forward(few, ws, xa, low);
  add_forward(ctx, low, y);
}

}  // namespace

void Linear::set_lora(std::unique_ptr<Lora> lora) {
  if (lora != nullptr) {
    const Shape& a = lora->a.value.shape();
    const Shape& b = lora->b.value.shape();
    LQ_CHECK(a.size() == 2 && b.size() == 2 && a[0] == b[1] && a[1] == in() && b[0] == out(), kMismatch,
             "[adapter] {}: A is {} and B is {}, but the weight is [{}, {}]", name_, shape_text(a),
             shape_text(b), out(), in());
    const Magnitude* const magnitude = lora->magnitude.get();
    LQ_CHECK(magnitude == nullptr || magnitude->m.value.numel() == 0 || magnitude->m.value.numel() == out(),
             kMismatch, "[adapter] {}: lora_magnitude_vector is {}, but the weight is [{}, {}]", name_,
             shape_text(magnitude->m.value.shape()), out(), in());
  }
  lora_ = std::move(lora);
}

void Linear::update_magnitude(Context& ctx) {
  if (lora_ == nullptr || lora_->magnitude == nullptr) return;
  constexpr std::int64_t kRows = 256;
  const backends::PackedView view = weight_->view();
  const ConstMatrix b = const_matrix_of(lora_->b.value);
  Tensor lengths = Tensor::empty(DType::kF32, {out()});
  Tensor rows = Tensor::empty(DType::kF32, {std::min(kRows, out()), in()});
  for (std::int64_t begin = 0; begin < out(); begin += kRows) {
    const std::int64_t n = std::min(kRows, out() - begin);
    const Matrix part = matrix_of(rows).slice(0, n);
    packed_rows(ctx, view, begin, n, part.data);
    matmul(ctx, b.slice(begin, n), const_matrix_of(lora_->a.value), part,
           {.alpha = lora_->scaling, .accumulate = true});
    row_lengths(
        ctx.pool, part,
        span_of<float>(lengths).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n)));
  }
  lora_->magnitude->set_lengths(ctx.pool, std::move(lengths));
}

void Linear::freeze_lora() {
  LQ_ASSERT(fixed_ == nullptr);
  LQ_ASSERT(lora_ == nullptr || lora_->magnitude == nullptr);
  fixed_ = std::move(lora_);
}

ConstMatrix Linear::lora_input(Context& ctx, Scratch& scratch, ConstMatrix x) const {
  if (!drops()) return x;
  const Matrix dropped = scratch.matrix(x.rows, x.cols);
  lora_dropout_forward(ctx, *dropout_, name_, x, dropped);
  return dropped;
}

void Linear::forward_together(Context& ctx, Workspace& ws, std::span<const Linear* const> linears,
                              ConstMatrix x, std::span<const Matrix> y, Tokens tokens) {
  bool together = takes_few_together(x);
  for (const Linear* l : linears) {
    if (l->hook_ != nullptr) l->hook_->on_forward(ctx, *l, x, tokens);
    together = together && l->goes_together();
  }
  if (!together) {
    if (forward_folded(ctx, ws, linears, x, y)) return;
    for (std::size_t i = 0; i < linears.size(); ++i) linears[i]->forward_alone(ctx, ws, x, y[i]);
    return;
  }
  std::vector<FewProduct> weights;
  for (std::size_t i = 0; i < linears.size(); ++i) weights.push_back({linears[i]->weight_->view(), x, y[i]});
  packed_matmul_few(ctx, weights);
  for (std::size_t i = 0; i < linears.size(); ++i) {
    if (linears[i]->bias_ != nullptr) bias_forward(ctx, linears[i]->bias_->values(), y[i]);
  }
  // y += scaling (x A^T) B^T; a layer's second part after its first, for both add to the same y.
  for (const auto& part : {&Linear::fixed_, &Linear::lora_}) {
    Scratch scratch(ws);
    std::vector<FewProduct> down;
    std::vector<FewProduct> up;
    for (std::size_t i = 0; i < linears.size(); ++i) {
      const Lora* const lora = (linears[i]->*part).get();
      if (lora == nullptr) continue;
      const Matrix xa = scratch.matrix(x.rows, lora->rank());
      down.push_back({lora->a_rounded.view(), x, xa});
      up.push_back({lora->b_rounded.view(), xa, y[i], lora->scaling, true});
    }
    packed_matmul_few(ctx, down);
    packed_matmul_few(ctx, up);
  }
}

void Linear::forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y, Tokens tokens) const {
  const Linear* const one = this;
  forward_together(ctx, ws, {&one, 1}, x, {&y, 1}, tokens);
}

void Linear::forward_alone(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const {
  weight_->forward(ctx, ws, x, y);
  const bool packed = weight_->parameter() == nullptr;
  if (has_magnitude()) {
    add_low_rank(ctx, ws, *lora_, packed, x, y);
    scale_columns(ctx.pool, const_matrix_of(lora_->magnitude->factors).flat(), y);
    if (bias_ != nullptr) bias_forward(ctx, bias_->values(), y);
    return;
  }
  if (bias_ != nullptr) bias_forward(ctx, bias_->values(), y);
  if (fixed_ != nullptr) add_low_rank(ctx, ws, *fixed_, packed, x, y);
  if (lora_ == nullptr) return;
  Scratch scratch(ws);
  add_low_rank(ctx, ws, *lora_, packed, lora_input(ctx, scratch, x), y);
}

FoldedWeight Linear::folded() const {
  FoldedWeight all{weight_->view()};
  for (const Lora* const part : {fixed_.get(), lora_.get()}) {
    if (part == nullptr) continue;
    all.parts.push_back({const_matrix_of(part->a.value), const_matrix_of(part->b.value), part->scaling});
  }
  if (lora_ != nullptr) all.parts.back().apart = drops();
  return all;
}

bool Linear::forward_folded(Context& ctx, Workspace& ws, std::span<const Linear* const> linears,
                            ConstMatrix x, std::span<const Matrix> y) {
  if (!takes_folded(ctx, x)) return false;
  if (std::any_of(linears.begin(), linears.end(), [](const Linear* l) { return l->has_magnitude(); }))
    return false;
  Scratch scratch(ws);
  std::vector<FoldedWeight> weights;
  for (const Linear* l : linears) {
    weights.push_back(l->folded());
    if (l->lora_ == nullptr || !l->drops()) continue;
    LowRankPart& part = weights.back().parts.back();
    const Matrix u = scratch.matrix(x.rows, part.a.rows);
    Scratch dropped(ws);
    matmul_nt(ctx, l->lora_input(ctx, dropped, x), part.a, u, {.linear = true});
    part.u = u;
  }
  lq::folded_forward(ctx, ws, x, weights, y);
  for (std::size_t i = 0; i < linears.size(); ++i) {
    if (linears[i]->bias_ != nullptr) bias_forward(ctx, linears[i]->bias_->values(), y[i]);
  }
  return true;
}

bool Linear::backward_folded(Context& ctx, Workspace& ws, std::span<Linear* const> linears, ConstMatrix x,
                             std::span<const ConstMatrix> dy, Matrix dx, bool accumulate, Tokens tokens) {
  if (!takes_folded(ctx, x)) return false;
  if (std::any_of(linears.begin(), linears.end(), [](const Linear* l) { return l->has_magnitude(); }))
    return false;
  std::vector<FoldedWeight> weights;
  for (std::size_t i = 0; i < linears.size(); ++i) {
    Linear& l = *linears[i];
    l.begin_backward(ctx, x, dy[i], tokens);
    l.weight_gradient(ctx, x, dy[i]);
    weights.push_back(l.folded());
    if (l.lora_ == nullptr || l.drops()) continue;
    LowRankPart& part = weights.back().parts.back();
    if (l.lora_->a.trainable()) part.da = matrix_of(l.lora_->a.grad);
    if (l.lora_->b.trainable()) part.db = matrix_of(l.lora_->b.grad);
  }
  lq::folded_backward(ctx, ws, x, weights, dy, dx, accumulate);
  // Dropout's mask stands between du A and dx.
  for (std::size_t i = 0; i < linears.size(); ++i) {
    if (linears[i]->drops()) linears[i]->lora_backward(ctx, ws, x, dy[i], dx);
  }
  return true;
}

void Linear::backward_together(Context& ctx, Workspace& ws, std::span<Linear* const> linears, ConstMatrix x,
                               std::span<const ConstMatrix> dy, Matrix dx, Tokens tokens) {
  if (backward_folded(ctx, ws, linears, x, dy, dx, false, tokens)) return;
  for (std::size_t i = 0; i < linears.size(); ++i) linears[i]->backward(ctx, ws, x, dy[i], dx, i > 0, tokens);
}

ConstMatrix Linear::magnitude_backward(Context& ctx, Workspace& ws, Scratch& scratch, ConstMatrix x,
                                       ConstMatrix dy) {
  Magnitude& magnitude = *lora_->magnitude;
  const Matrix below = scratch.matrix(dy.rows, dy.cols);
  if (magnitude.m.trainable()) {
    // dm = sum dy * y / m, with y before the bias.
    weight_->forward(ctx, ws, x, below);
    add_low_rank(ctx, ws, *lora_, false, x, below);
    multiply(ctx.pool, dy, below);
    const Vector inverse = scratch.vector(out());
    fill(ctx, inverse, 1.0F);
    quotients(ctx.pool, inverse, const_matrix_of(magnitude.lengths).flat(), inverse);
    scale_columns(ctx.pool, inverse, below);
    bias_backward(ctx, below, magnitude.m.grads());
  }
  fill(ctx, below, 0.0F);
  add_forward(ctx, dy, below);
  scale_columns(ctx.pool, const_matrix_of(magnitude.factors).flat(), below);
  return below;
}

void Linear::backward(Context& ctx, Workspace& ws, ConstMatrix x, ConstMatrix dy, Matrix dx, bool accumulate,
                      Tokens tokens) {
  Linear* const one = this;
  if (backward_folded(ctx, ws, {&one, 1}, x, {&dy, 1}, dx, accumulate, tokens)) return;
  begin_backward(ctx, x, dy, tokens);
  Scratch below(ws);
  if (has_magnitude()) dy = magnitude_backward(ctx, ws, below, x, dy);
  weight_gradient(ctx, x, dy);
  if (dx.data != nullptr) weight_->backward_input(ctx, dy, dx, accumulate);
  if (fixed_ != nullptr && dx.data != nullptr) {
    Scratch scratch(ws);
    const Matrix dxa = scratch.matrix(x.rows, fixed_->rank());
    matmul(ctx, dy, const_matrix_of(fixed_->b.value), dxa, {.alpha = fixed_->scaling, .linear = true});
    matmul(ctx, dxa, const_matrix_of(fixed_->a.value), dx, {.accumulate = true, .linear = true});
  }
  lora_backward(ctx, ws, x, dy, dx);
}

void Linear::begin_backward(Context& ctx, ConstMatrix x, ConstMatrix dy, Tokens tokens) {
  if (hook_ != nullptr) hook_->on_backward(ctx, *this, x, dy, tokens);
  if (bias_ != nullptr && bias_->trainable()) bias_backward(ctx, dy, bias_->grads());
}

void Linear::weight_gradient(Context& ctx, ConstMatrix x, ConstMatrix dy) {
  Parameter* const w = weight_->parameter();
  if (w != nullptr && w->trainable())
    matmul_tn(ctx, dy, x, matrix_of(w->grad), {.accumulate = true, .linear = true});
}

void Linear::lora_backward(Context& ctx, Workspace& ws, ConstMatrix x, ConstMatrix dy, Matrix dx) {
  if (lora_ == nullptr) return;
  Scratch scratch(ws);
  const ConstMatrix a = const_matrix_of(lora_->a.value);
  const ConstMatrix b = const_matrix_of(lora_->b.value);
  const ConstMatrix seen =
      lora_->a.trainable() || lora_->b.trainable() ? lora_input(ctx, scratch, x) : ConstMatrix(x);
  if (lora_->b.trainable()) {
    const Matrix xa = scratch.matrix(x.rows, lora_->rank());
    matmul_nt(ctx, seen, a, xa, {.linear = true});
    matmul_tn(ctx, dy, xa, matrix_of(lora_->b.grad),
              {.alpha = lora_->scaling, .accumulate = true, .linear = true});
  }
  const Matrix dxa = scratch.matrix(x.rows, lora_->rank());
  matmul(ctx, dy, b, dxa, {.alpha = lora_->scaling, .linear = true});
  if (lora_->a.trainable())
    matmul_tn(ctx, dxa, seen, matrix_of(lora_->a.grad), {.accumulate = true, .linear = true});
  if (dx.data == nullptr) return;
  if (!drops()) return matmul(ctx, dxa, a, dx, {.accumulate = true, .linear = true});
  const Matrix dseen = scratch.matrix(x.rows, x.cols);
  matmul(ctx, dxa, a, dseen, {.linear = true});
  lora_dropout_forward(ctx, *dropout_, name_, dseen, dseen);  // the mask is its own transpose
  add_forward(ctx, dseen, dx);
}

}  // namespace lq
