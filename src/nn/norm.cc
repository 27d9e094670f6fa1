#include "nn/norm.h"

#include "ops/elementwise.h"
#include "ops/layer_norm.h"
#include "ops/rms_norm.h"

namespace lq {
namespace {

// Every part that is normalized by itself as a row.
Matrix parts_of(Matrix m, std::int64_t width) { return {m.data, m.size() / width, width, m.device}; }
ConstMatrix parts_of(ConstMatrix m, std::int64_t width) {
  return {m.data, m.size() / width, width, m.device};
}

}  // namespace

NormSaved Norm::saved(Scratch& scratch, ConstMatrix x) const {
  const std::int64_t rows = x.size() / width();
  NormSaved saved;
  if (kind_ == NormKind::kLayer) saved.mean = scratch.vector(rows);
  saved.rstd = scratch.vector(rows);
  return saved;
}

ConstVector Norm::factors(Context& ctx, Scratch& scratch) const {
  if (kind_ != NormKind::kRmsOnePlus) return weight_->values();
  const Matrix sum = scratch.matrix(1, width());
  fill(ctx, sum, 1.0F);
  const ConstVector w = weight_->values();
  add_forward(ctx, {w.data(), 1, width(), w.device()}, sum);
  return sum.flat();
}

void Norm::forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y, const NormSaved& saved) const {
  Scratch scratch(ws);
  const ConstVector w = factors(ctx, scratch);
  const ConstMatrix from = parts_of(x, width());
  const Matrix to = parts_of(y, width());
  if (kind_ != NormKind::kLayer) return rms_norm_forward(ctx, from, w, eps_, to, saved.rstd);
  layer_norm_forward(ctx, from, w, bias_->values(), eps_, to, saved.mean, saved.rstd);
}

void Norm::forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const {
  Scratch scratch(ws);
  forward(ctx, ws, x, y, saved(scratch, x));
}

void Norm::backward(Context& ctx, Workspace& ws, ConstMatrix x, const NormSaved& saved, ConstMatrix dy,
                    Matrix dx) const {
  Scratch scratch(ws);
  const ConstVector w = factors(ctx, scratch);
  const ConstMatrix from = parts_of(x, width());
  const ConstMatrix dfrom = parts_of(dy, width());
  const Matrix to = parts_of(dx, width());
  if (kind_ != NormKind::kLayer) {
    return rms_norm_backward(ctx, from, w, saved.rstd, dfrom, to, weight_->grads());
  }
  Vector dw = weight_->grads();
  Vector db = bias_->grads();
  // The op makes both or none.
  if (dw.empty() != db.empty()) {
    const Vector unwanted = scratch.vector(width());
    fill(ctx, unwanted, 0.0F);
    (dw.empty() ? dw : db) = unwanted;
  }
  layer_norm_backward(ctx, from, w, saved.mean, saved.rstd, dfrom, to, dw, db);
}

}  // namespace lq
