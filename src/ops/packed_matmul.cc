#include "ops/packed_matmul.h"

#include <algorithm>
#include <array>

#include "backends/cpu/packed_product.h"
#include "backends/cuda/product.h"
#include "ops/dispatch.h"
#include "ops/matmul.h"

namespace lq {
namespace {

using backends::PackedView;

// c = a op(w) + beta c.
void multiply_on_cuda(Context& ctx, ConstMatrix a, const PackedView& w, bool transposed, float beta,
                      Matrix c) {
  backends::cuda::Product product;
  product.m = c.rows;
  product.n = c.cols;
  product.k = a.cols;
  product.a = a.data;
  product.b = w;
  product.c = c.data;
  product.trans_b = transposed;
  product.beta = beta;
  product.precision = cuda_precision(ctx);
  backends::cuda::multiply(queue_of(ctx, "packed_matmul", w.device), product);
}

void forward_on_cpu(Context& ctx, Workspace& ws, const PackedView& w, ConstMatrix x, Matrix y) {
  if (x.rows <= kPackedFewRows && backends::packed_has_few(w)) {
    if (x.rows == 0) return;
    Scratch scratch(ws);
    const std::int64_t needed = backends::packed_few_scratch(w, x.rows);
    float* const prepared = needed == 0 ? nullptr : scratch.vector(needed).data();
    return backends::packed_few(ctx.pool, w, x.data, x.rows, y.data, prepared,
                                ctx.decode_precision == DecodePrecision::kFast);
  }
  backends::packed_forward(ctx.pool, w, x.data, x.rows, y.data, linear_precision(ctx));
}

}  // namespace

void packed_matmul_forward(Context& ctx, Workspace& ws, const PackedView& w, ConstMatrix x, Matrix y) {
  check_shape("linear x", x, x.rows, w.cols);
  check_shape("linear y", y, x.rows, w.rows);
  switch (common_device("packed_matmul", {{"w", w.device}, {"x", x.device}, {"y", y.device}}).kind) {
    case DeviceKind::kCpu:
      return forward_on_cpu(ctx, ws, w, x, y);
    case DeviceKind::kCuda: {
      if (!takes_few_together(x)) return multiply_on_cuda(ctx, x, w, true, 0.0F, y);
      const FewProduct one{w, x, y};
      return packed_matmul_few(ctx, {&one, 1});
    }
  }
}

bool takes_few_together(ConstMatrix x) {
  return !x.device.is_cpu() && x.rows <= backends::cuda::kMostFewRows;
}

void packed_matmul_few(Context& ctx, std::span<const FewProduct> products) {
  constexpr std::size_t kMost = backends::cuda::kMostFewProducts;
  for (std::size_t first = 0; first < products.size(); first += kMost) {
    const auto part = products.subspan(first, std::min(kMost, products.size() - first));
    std::array<backends::cuda::FewProduct, kMost> all;
    const std::int64_t rows = part[0].x.rows;
    const Device device = part[0].w.device;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const FewProduct& p = part[i];
      check_shape("linear x", p.x, rows, p.w.cols);
      check_shape("linear y", p.y, rows, p.w.rows);
      common_device("packed_matmul",
                    {{"the first weight", device}, {"w", p.w.device}, {"x", p.x.device}, {"y", p.y.device}});
      all[i] = {p.w, p.x.data, p.y.data, p.alpha, p.accumulate};
    }
    LQ_CHECK(takes_few_together(part[0].x), kInternal, "[ops] packed_matmul: {} rows on {} are not few", rows,
             device_text(device));
    backends::cuda::few_rows(queue_of(ctx, "packed_matmul", device), all.data(),
                             static_cast<int>(part.size()), rows,
                             ctx.decode_precision == DecodePrecision::kFast);
  }
}

void packed_matmul_backward(Context& ctx, const PackedView& w, ConstMatrix dy, Matrix dx, bool accumulate) {
  check_shape("linear dy", dy, dy.rows, w.rows);
  check_shape("linear dx", dx, dy.rows, w.cols);
  const float beta = accumulate ? 1.0F : 0.0F;
  switch (common_device("packed_matmul", {{"w", w.device}, {"dy", dy.device}, {"dx", dx.device}}).kind) {
    case DeviceKind::kCpu:
      return backends::packed_backward(ctx.pool, w, dy.data, dy.rows, dx.data, beta, linear_precision(ctx));
    case DeviceKind::kCuda:
      return multiply_on_cuda(ctx, dy, w, false, beta, dx);
  }
}

void packed_rows(Context& ctx, const PackedView& w, std::int64_t begin, std::int64_t count, float* out) {
  LQ_CHECK(begin >= 0 && count >= 0 && begin + count <= w.rows, kMismatch,
           "[ops] rows {} to {} of a packed matrix of {} rows", begin, begin + count, w.rows);
  switch (w.device.kind) {
    case DeviceKind::kCpu:
      return backends::packed_decode(ctx.pool, w, begin * w.cols, count * w.cols, out);
    case DeviceKind::kCuda:
      return backends::cuda::packed_decode(queue_of(ctx, "packed_rows", w.device), w, begin * w.cols,
                                           count * w.cols, out);
  }
}

}  // namespace lq
