#include "nn/heads/label_head.h"

#include <vector>

#include "ops/cross_entropy.h"
#include "ops/elementwise.h"
#include "ops/squared_error.h"
#include "ops/tanh_relu.h"

namespace lq {
namespace {

std::int64_t sequences_of(std::span<const std::int64_t> starts) { return std::ssize(starts) - 1; }

// to[s] = x[starts[s]].
void gather_first(Context& ctx, ConstMatrix x, std::span<const std::int64_t> starts, Matrix to) {
  fill(ctx, to, 0.0F);
  for (std::int64_t s = 0; s < sequences_of(starts); ++s) {
    add_forward(ctx, x.slice(starts[static_cast<std::size_t>(s)], 1), to.slice(s, 1));
  }
}

std::vector<std::int32_t> classes_of(std::span<const float> labels) {
  std::vector<std::int32_t> classes;
  for (const float label : labels) {
    LQ_CHECK(label >= 0.0F && label == static_cast<float>(static_cast<std::int32_t>(label)), kInvalidArgument,
             "[head] a label is {}, but the number of a class was expected", label);
    classes.push_back(static_cast<std::int32_t>(label));
  }
  return classes;
}

}  // namespace

void LabelHead::pool(Context& ctx, Workspace& ws, ConstMatrix first, Matrix pooled) const {
  dense_.forward(ctx, ws, first, pooled);
  activation_ == HeadActivation::kTanh ? tanh_forward(ctx, pooled.flat()) : relu_forward(ctx, pooled.flat());
}

void LabelHead::forward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const std::int64_t> starts,
                        Matrix outputs) const {
  const std::int64_t n = sequences_of(starts);
  check_shape("label head outputs", outputs, n, classifier_.out());
  Scratch scratch(ws);
  const Matrix first = scratch.matrix(n, x.cols);
  const Matrix pooled = scratch.matrix(n, dense_.out());
  gather_first(ctx, x, starts, first);
  pool(ctx, ws, first, pooled);
  classifier_.forward(ctx, ws, pooled, outputs);
}

void LabelHead::loss(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const std::int64_t> starts,
                     std::span<const float> labels, std::span<float> losses, Matrix outputs) const {
  forward(ctx, ws, x, starts, outputs);
  if (regression_) return squared_error_forward(ctx, outputs, labels, losses);
  cross_entropy_forward(ctx, outputs, classes_of(labels), losses);
}

void LabelHead::loss_backward(Context& ctx, Workspace& ws, ConstMatrix x,
                              std::span<const std::int64_t> starts, std::span<const float> labels,
                              float scale, std::span<float> losses, Matrix dx) {
  check_shape("label head dx", dx, x.rows, x.cols);
  const std::int64_t n = sequences_of(starts);
  Scratch scratch(ws);
  const Matrix first = scratch.matrix(n, x.cols);
  const Matrix pooled = scratch.matrix(n, dense_.out());
  const Matrix outputs = scratch.matrix(n, classifier_.out());
  const Matrix dpooled = scratch.matrix(n, dense_.out());
  const Matrix dfirst = scratch.matrix(n, x.cols);
  gather_first(ctx, x, starts, first);
  pool(ctx, ws, first, pooled);
  classifier_.forward(ctx, ws, pooled, outputs);
  if (regression_) {
    squared_error_forward_backward(ctx, outputs, labels, scale, losses);
  } else {
    cross_entropy_forward_backward(ctx, outputs, classes_of(labels), scale, losses);
  }
  classifier_.backward(ctx, ws, pooled, outputs, dpooled, false);
  activation_ == HeadActivation::kTanh ? tanh_backward(ctx, pooled.flat(), dpooled.flat())
                                       : relu_backward(ctx, pooled.flat(), dpooled.flat());
  dense_.backward(ctx, ws, first, dpooled, dfirst, false);
  fill(ctx, dx, 0.0F);
  for (std::int64_t s = 0; s < n; ++s) {
    add_forward(ctx, dfirst.slice(s, 1), dx.slice(starts[static_cast<std::size_t>(s)], 1));
  }
}

}  // namespace lq
