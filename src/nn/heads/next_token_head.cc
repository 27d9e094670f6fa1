#include "nn/heads/next_token_head.h"

#include <algorithm>

#include "ops/columns.h"
#include "ops/cross_entropy.h"
#include "ops/elementwise.h"
#include "ops/soft_cap.h"

namespace lq {
namespace {

constexpr std::int64_t kLogits = std::int64_t{1} << 24;  // floats: 64 MiB

}  // namespace

std::int64_t NextTokenHead::chunk_tokens() const {
  // Multiples of the gemm's tile where the vocabulary allows.
  const std::int64_t fit = std::max<std::int64_t>(kLogits / std::max<std::int64_t>(1, vocab()), 16);
  return std::min<std::int64_t>(fit >= 256 ? fit / 256 * 256 : fit, 1024);
}

void NextTokenHead::logits(Context& ctx, Workspace& ws, ConstMatrix x, Matrix logits) const {
  Scratch scratch(ws);
  if (dense_) {
    const Matrix dense = scratch.matrix(x.rows, x.cols);
    dense_->linear.forward(ctx, ws, x, dense);
    activation_forward(ctx, dense_->activation, dense, dense);
    x = dense;
  }
  if (!norm_) return project(ctx, ws, x, logits);
  const Matrix normal = scratch.matrix(x.rows, x.cols);
  norm_.forward(ctx, ws, x, normal);
  project(ctx, ws, normal, logits);
}

void NextTokenHead::project(Context& ctx, Workspace& ws, ConstMatrix normal, Matrix logits) const {
  projection_.forward(ctx, ws, normal, logits);
  if (form_.multiplier != 1.0F) scale(ctx, form_.multiplier, logits);
  if (form_.soft_cap > 0.0F) soft_cap_forward(ctx, form_.soft_cap, logits);
}

void NextTokenHead::loss(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const std::int32_t> targets,
                         std::span<float> losses,
                         const std::function<void(std::int64_t, ConstMatrix)>& on_logits) const {
  for (std::int64_t begin = 0; begin < x.rows; begin += chunk_tokens()) {
    Scratch scratch(ws);
    const std::int64_t n = std::min(chunk_tokens(), x.rows - begin);
    const Matrix chunk = scratch.matrix(n, vocab());
    logits(ctx, ws, x.slice(begin, n), chunk);
    const auto at = static_cast<std::size_t>(begin);
    const auto count = static_cast<std::size_t>(n);
    cross_entropy_forward(ctx, chunk, targets.subspan(at, count), losses.subspan(at, count));
    if (on_logits) on_logits(begin, chunk);
  }
}

void NextTokenHead::loss_backward(Context& ctx, Workspace& ws, ConstMatrix x,
                                  std::span<const std::int32_t> targets, float scale, std::span<float> losses,
                                  Matrix dx) {
  const LogitsLoss of_targets = [&](std::int64_t begin, Matrix logits, std::span<float> of_chunk) {
    const auto want = targets.subspan(static_cast<std::size_t>(begin), of_chunk.size());
    cross_entropy_forward_backward(ctx, logits, want, scale, of_chunk);
  };
  loss_backward(ctx, ws, x, of_targets, losses, dx);
}

void NextTokenHead::loss_backward(Context& ctx, Workspace& ws, ConstMatrix x, const LogitsLoss& loss,
                                  std::span<float> losses, Matrix dx) {
  check_shape("lm_head dx", dx, x.rows, x.cols);
  for (std::int64_t begin = 0; begin < x.rows; begin += chunk_tokens()) {
    Scratch scratch(ws);
    const std::int64_t n = std::min(chunk_tokens(), x.rows - begin);
    const ConstMatrix below = x.slice(begin, n);
    const Matrix raw = dense_ ? scratch.matrix(n, x.cols) : Matrix{};
    const Matrix acted = dense_ ? scratch.matrix(n, x.cols) : Matrix{};
    if (dense_) {
      dense_->linear.forward(ctx, ws, below, raw);
      activation_forward(ctx, dense_->activation, raw, acted);
    }
    const ConstMatrix part = dense_ ? ConstMatrix(acted) : below;
    const Matrix to = dense_ ? scratch.matrix(n, x.cols) : dx.slice(begin, n);
    const Matrix made = norm_ ? scratch.matrix(n, x.cols) : Matrix{};
    const NormSaved saved = norm_ ? norm_.saved(scratch, part) : NormSaved{};
    const Matrix chunk = scratch.matrix(n, vocab());
    const Matrix dnormal = norm_ ? scratch.matrix(n, x.cols) : to;
    if (norm_) norm_.forward(ctx, ws, part, made, saved);
    const ConstMatrix normal = norm_ ? ConstMatrix(made) : part;
    project(ctx, ws, normal, chunk);
    Matrix capped;
    if (form_.soft_cap > 0.0F) {
      capped = scratch.matrix(n, vocab());
      take_columns(ctx, chunk, 0, capped);
    }
    loss(begin, chunk, losses.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n)));
    if (form_.soft_cap > 0.0F) soft_cap_backward(ctx, form_.soft_cap, capped, chunk);
    if (form_.multiplier != 1.0F) lq::scale(ctx, form_.multiplier, chunk);
    projection_.backward(ctx, ws, normal, chunk, dnormal, false);
    if (norm_) {
      fill(ctx, to, 0.0F);
      norm_.backward(ctx, ws, part, saved, dnormal, to);
    }
    if (!dense_) continue;
    activation_backward(ctx, dense_->activation, raw, to, to);
    dense_->linear.backward(ctx, ws, below, to, dx.slice(begin, n), false);
  }
}

}  // namespace lq
