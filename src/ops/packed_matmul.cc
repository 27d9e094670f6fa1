#include "ops/packed_matmul.h"

#include "backends/cpu/packed_product.h"
#include "ops/dispatch.h"
#include "ops/matmul.h"

namespace lq {

void packed_matmul_forward(Context& ctx, Workspace& ws, const backends::PackedView& w, ConstMatrix x,
                           Matrix y) {
  check_shape("linear x", x, x.rows, w.cols);
  check_shape("linear y", y, x.rows, w.rows);
  cpu_only("packed_matmul", {{"w", w.device}, {"x", x.device}, {"y", y.device}});
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

void packed_matmul_backward(Context& ctx, const backends::PackedView& w, ConstMatrix dy, Matrix dx,
                            bool accumulate) {
  check_shape("linear dy", dy, dy.rows, w.rows);
  check_shape("linear dx", dx, dy.rows, w.cols);
  cpu_only("packed_matmul", {{"w", w.device}, {"dy", dy.device}, {"dx", dx.device}});
  backends::packed_backward(ctx.pool, w, dy.data, dy.rows, dx.data, accumulate ? 1.0F : 0.0F,
                            linear_precision(ctx));
}

void packed_rows(Context& ctx, const backends::PackedView& w, std::int64_t begin, std::int64_t count,
                 float* out) {
  LQ_CHECK(begin >= 0 && count >= 0 && begin + count <= w.rows, kMismatch,
           "[ops] rows {} to {} of a packed matrix of {} rows", begin, begin + count, w.rows);
  cpu_only("packed_rows", {{"w", w.device}});
  backends::packed_decode(ctx.pool, w, begin * w.cols, count * w.cols, out);
}

}  // namespace lq
