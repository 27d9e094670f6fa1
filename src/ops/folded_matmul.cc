#include "ops/folded_matmul.h"

#include <array>

#include "backends/cuda/folded.h"
#include "backends/cuda/product.h"
#include "ops/dispatch.h"
#include "ops/matmul.h"
#include "ops/packed_matmul.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;
using CudaWeights = std::array<cuda::FoldedWeight, cuda::kMostFolded>;

void check_folded(ConstMatrix x, std::span<const FoldedWeight> weights, std::size_t results) {
  LQ_CHECK(!weights.empty() && weights.size() == results, kInternal, "[ops] folded_matmul: {} results for {}",
           results, weights.size());
  for (const FoldedWeight& w : weights) {
    check_shape("linear x", x, x.rows, w.w.cols);
    for (const LowRankPart& p : w.parts) {
      check_shape("low-rank a", p.a, p.a.rows, w.w.cols);
      check_shape("low-rank b", p.b, w.w.rows, p.a.rows);
      if (p.u.data != nullptr) check_shape("low-rank u", p.u, x.rows, p.a.rows);
      if (p.da.data != nullptr) check_shape("low-rank da", p.da, p.a.rows, p.a.cols);
      if (p.db.data != nullptr) check_shape("low-rank db", p.db, p.b.rows, p.b.cols);
    }
  }
}

// False where the device does not fold these.
bool describe_folded(const Context& ctx, ConstMatrix x, std::span<const FoldedWeight> weights,
                     CudaWeights& all) {
  if (!takes_folded(ctx, x) || weights.size() > all.size()) return false;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const FoldedWeight& w = weights[i];
    if (w.parts.size() > cuda::kMostFoldedParts) return false;
    common_device("folded_matmul", {{"x", x.device}, {"w", w.w.device}});
    all[i].w = w.w;
    for (const LowRankPart& p : w.parts) {
      common_device("folded_matmul", {{"x", x.device}, {"a", p.a.device}, {"b", p.b.device}});
      cuda::FoldedPart& to = all[i].parts[all[i].count++];
      to.a = p.a.data;
      to.b = p.b.data;
      to.rank = p.a.rows;
      to.scaling = p.scaling;
      to.apart = p.apart;
      to.u = p.u.data;
      to.da = p.da.data;
      to.db = p.db.data;
    }
  }
  return cuda::folds(all.data(), static_cast<int>(weights.size()), x.rows);
}

void part_forward(Context& ctx, Workspace& ws, ConstMatrix x, const LowRankPart& p, Matrix y) {
  Scratch scratch(ws);
  ConstMatrix u = p.u;
  if (!p.apart) {
    const Matrix xa = scratch.matrix(x.rows, p.a.rows);
    matmul_nt(ctx, x, p.a, xa, {.linear = true});
    u = xa;
  }
  matmul_nt(ctx, u, p.b, y, {.alpha = p.scaling, .accumulate = true, .linear = true});
}

void part_backward(Context& ctx, Workspace& ws, ConstMatrix x, const LowRankPart& p, ConstMatrix dy,
                   Matrix dx) {
  Scratch scratch(ws);
  const Matrix u = scratch.matrix(x.rows, p.a.rows);
  if (p.db.data != nullptr) {
    matmul_nt(ctx, x, p.a, u, {.linear = true});
    matmul_tn(ctx, dy, u, p.db, {.alpha = p.scaling, .accumulate = true, .linear = true});
  }
  if (p.da.data == nullptr && dx.data == nullptr) return;
  matmul(ctx, dy, p.b, u, {.alpha = p.scaling, .linear = true});
  if (p.da.data != nullptr) matmul_tn(ctx, u, x, p.da, {.accumulate = true, .linear = true});
  if (dx.data != nullptr) matmul(ctx, u, p.a, dx, {.accumulate = true, .linear = true});
}

}  // namespace

bool takes_folded(const Context& ctx, ConstMatrix x) {
  return x.device.kind == DeviceKind::kCuda && ctx.matmul_precision == MatmulPrecision::kBf16 &&
         !takes_few_together(x) && ctx.queue != nullptr && cuda::folds(*ctx.queue);
}

void folded_forward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const FoldedWeight> weights,
                    std::span<const Matrix> y) {
  check_folded(x, weights, y.size());
  for (std::size_t i = 0; i < y.size(); ++i) check_shape("linear y", y[i], x.rows, weights[i].w.rows);
  CudaWeights all;
  if (describe_folded(ctx, x, weights, all)) {
    for (std::size_t i = 0; i < y.size(); ++i) {
      common_device("folded_matmul", {{"x", x.device}, {"y", y[i].device}});
      all[i].y = y[i].data;
    }
    return cuda::folded_forward(queue_of(ctx, "folded_matmul", x.device), all.data(),
                                static_cast<int>(y.size()), x.rows, x.data);
  }
  for (std::size_t i = 0; i < y.size(); ++i) {
    packed_matmul_forward(ctx, ws, weights[i].w, x, y[i]);
    for (const LowRankPart& p : weights[i].parts) part_forward(ctx, ws, x, p, y[i]);
  }
}

void folded_backward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const FoldedWeight> weights,
                     std::span<const ConstMatrix> dy, Matrix dx, bool accumulate) {
  check_folded(x, weights, dy.size());
  if (dx.data != nullptr) check_shape("linear dx", dx, x.rows, x.cols);
  for (std::size_t i = 0; i < dy.size(); ++i) check_shape("linear dy", dy[i], x.rows, weights[i].w.rows);
  CudaWeights all;
  if (describe_folded(ctx, x, weights, all)) {
    for (std::size_t i = 0; i < dy.size(); ++i) {
      common_device("folded_matmul", {{"x", x.device}, {"dy", dy[i].device}});
      all[i].dy = dy[i].data;
    }
    return cuda::folded_backward(queue_of(ctx, "folded_matmul", x.device), all.data(),
                                 static_cast<int>(dy.size()), x.rows, x.data, dx.data, accumulate);
  }
  for (std::size_t i = 0; i < dy.size(); ++i) {
    if (dx.data != nullptr) packed_matmul_backward(ctx, weights[i].w, dy[i], dx, accumulate || i > 0);
    for (const LowRankPart& p : weights[i].parts) {
      if (!p.apart) part_backward(ctx, ws, x, p, dy[i], dx);
    }
  }
}

}  // namespace lq
