#include "nn/projections.h"

#include <numeric>

#include "ops/columns.h"

namespace lq {

Projections Projections::fused(Linear linear, std::vector<std::int64_t> widths) {
  const std::int64_t sum = std::accumulate(widths.begin(), widths.end(), std::int64_t{0});
  LQ_CHECK(sum == linear.out(), kMismatch, "{}: {} outputs, but its parts have {}", linear.name(),
           linear.out(), sum);
  Projections p;
  p.linears_.push_back(std::move(linear));
  p.widths_ = std::move(widths);
  return p;
}

std::int64_t Projections::out(std::int64_t i) const {
  const auto at = static_cast<std::size_t>(i);
  return is_fused() ? widths_[at] : linears_[at].out();
}

void Projections::forward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const Matrix> y,
                          Tokens tokens) const {
  LQ_CHECK(std::ssize(y) == count(), kInternal, "[projections] {} outputs for {}", y.size(), count());
  if (!is_fused()) {
    std::vector<const Linear*> all;
    for (const Linear& linear : linears_) all.push_back(&linear);
    return Linear::forward_together(ctx, ws, all, x, y, tokens);
  }
  Scratch scratch(ws);
  const Matrix all = scratch.matrix(x.rows, linears_.front().out());
  linears_.front().forward(ctx, ws, x, all, tokens);
  std::int64_t at = 0;
  for (const Matrix& part : y) {
    take_columns(ctx, all, at, part);
    at += part.cols;
  }
}

void Projections::backward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const Matrix> dy, Matrix dx,
                           Tokens tokens) {
  LQ_CHECK(std::ssize(dy) == count(), kInternal, "[projections] {} gradients for {}", dy.size(), count());
  if (!is_fused()) {
    std::vector<Linear*> all;
    for (Linear& linear : linears_) all.push_back(&linear);
    const std::vector<ConstMatrix> grads(dy.begin(), dy.end());
    return Linear::backward_together(ctx, ws, all, x, grads, dx, tokens);
  }
  Scratch scratch(ws);
  const Matrix all = scratch.matrix(x.rows, linears_.front().out());
  std::int64_t at = 0;
  for (const Matrix& part : dy) {
    put_columns(ctx, part, at, all);
    at += part.cols;
  }
  linears_.front().backward(ctx, ws, x, all, dx, false, tokens);
}

}  // namespace lq
