#include "nn/weight.h"

#include <algorithm>

#include "kernels/cpu/gemm.h"

namespace lq {
namespace {

// Floats of a panel: 4 MiB, a part of the last-level cache, and large enough that the gemm's tiles share out
// evenly.
constexpr std::int64_t kPanel = std::int64_t{1} << 20;
constexpr std::int64_t kPanelRows = 512;  // a multiple of the gemm's tiles

std::int64_t panel_rows(std::int64_t cols) {
  return std::max<std::int64_t>(kPanel / std::max<std::int64_t>(1, cols) / kPanelRows, 1) * kPanelRows;
}

}  // namespace

void Weight::forward(Context& ctx, Workspace& ws, ConstMatrix x, Matrix y) const {
  check_shape("linear x", x, x.rows, cols());
  check_shape("linear y", y, x.rows, rows());
  if (x.rows <= kFewRows && forward_few(ctx, ws, x, y)) return;
  if (const float* w = as_f32()) {
    kernels::gemm(ctx.pool, x.rows, rows(), cols(), x.data, cols(), w, cols(), y.data, rows(),
                  {.trans_b = true});
    return;
  }
  Scratch scratch(ws);
  const std::int64_t step = std::min(panel_rows(cols()), rows());
  const Matrix panel = scratch.matrix(step, cols());
  for (std::int64_t begin = 0; begin < rows(); begin += step) {
    const std::int64_t count = std::min(step, rows() - begin);
    read_rows(ctx, begin, count, panel.data);
    kernels::gemm(ctx.pool, x.rows, count, cols(), x.data, cols(), panel.data, cols(), y.data + begin, rows(),
                  {.trans_b = true});
  }
}

void Weight::backward_input(Context& ctx, Workspace& ws, ConstMatrix dy, Matrix dx, bool accumulate) const {
  check_shape("linear dy", dy, dy.rows, rows());
  check_shape("linear dx", dx, dy.rows, cols());
  if (const float* w = as_f32()) {
    kernels::gemm(ctx.pool, dy.rows, cols(), rows(), dy.data, rows(), w, cols(), dx.data, cols(),
                  {.beta = accumulate ? 1.0F : 0.0F});
    return;
  }
  Scratch scratch(ws);
  const std::int64_t step = std::min(panel_rows(cols()), rows());
  const Matrix panel = scratch.matrix(step, cols());
  for (std::int64_t begin = 0; begin < rows(); begin += step) {
    const std::int64_t count = std::min(step, rows() - begin);
    read_rows(ctx, begin, count, panel.data);
    kernels::gemm(ctx.pool, dy.rows, cols(), count, dy.data + begin, rows(), panel.data, cols(), dx.data,
                  cols(), {.beta = accumulate || begin > 0 ? 1.0F : 0.0F});
  }
}

}  // namespace lq
