#include "nn/heads/next_token_head.h"

#include <algorithm>

#include "ops/cross_entropy.h"
#include "ops/elementwise.h"
#include "ops/rms_norm.h"

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
  const Matrix normal = scratch.matrix(x.rows, x.cols);
  rms_norm_forward(ctx, x, norm_.values(), eps_, normal, scratch.vector(x.rows));
  projection_.forward(ctx, ws, normal, logits);
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
  check_shape("lm_head dx", dx, x.rows, x.cols);
  for (std::int64_t begin = 0; begin < x.rows; begin += chunk_tokens()) {
    Scratch scratch(ws);
    const std::int64_t n = std::min(chunk_tokens(), x.rows - begin);
    const ConstMatrix part = x.slice(begin, n);
    const Matrix normal = scratch.matrix(n, x.cols);
    const Vector rstd = scratch.vector(n);
    const Matrix chunk = scratch.matrix(n, vocab());
    const Matrix dnormal = scratch.matrix(n, x.cols);
    rms_norm_forward(ctx, part, norm_.values(), eps_, normal, rstd);
    projection_.forward(ctx, ws, normal, chunk);
    const auto at = static_cast<std::size_t>(begin);
    const auto count = static_cast<std::size_t>(n);
    cross_entropy_forward_backward(ctx, chunk, targets.subspan(at, count), scale, losses.subspan(at, count));
    projection_.backward(ctx, ws, normal, chunk, dnormal, false);
    const Matrix to = dx.slice(begin, n);
    fill(ctx, to, 0.0F);
    rms_norm_backward(ctx, part, norm_.values(), rstd, dnormal, to, norm_.grads());
  }
}

}  // namespace lq
