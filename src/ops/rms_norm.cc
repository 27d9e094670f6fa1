#include "ops/rms_norm.h"

#include <algorithm>
#include <vector>

#include "backends/cpu/transformer_elementwise.h"
#include "backends/cpu/transformer_norm.h"

namespace lq {
namespace {

// Rows that one job takes; dw is summed over jobs in their order.
constexpr std::int64_t kRows = 64;

}  // namespace

void rms_norm_forward(Context& ctx, ConstMatrix x, std::span<const float> w, float eps, Matrix y,
                      std::span<float> rstd) {
  check_shape("rms_norm y", y, x.rows, x.cols);
  check_shape("rms_norm w", {w.data(), 1, std::ssize(w)}, 1, x.cols);
  check_shape("rms_norm rstd", {rstd.data(), 1, std::ssize(rstd)}, 1, x.rows);
  parallel_for(ctx.pool, x.rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    backends::rms_norm_forward(end - begin, x.cols, x.row(begin), w.data(), eps, y.row(begin),
                               rstd.data() + begin);
  });
}

void rms_norm_backward(Context& ctx, ConstMatrix x, std::span<const float> w, std::span<const float> rstd,
                       ConstMatrix dy, Matrix dx, std::span<float> dw) {
  check_shape("rms_norm dy", dy, x.rows, x.cols);
  check_shape("rms_norm dx", dx, x.rows, x.cols);
  check_shape("rms_norm w", {w.data(), 1, std::ssize(w)}, 1, x.cols);
  check_shape("rms_norm rstd", {rstd.data(), 1, std::ssize(rstd)}, 1, x.rows);
  const std::int64_t jobs = (x.rows + kRows - 1) / kRows;
  std::vector<float> partial;
  if (!dw.empty()) {
    check_shape("rms_norm dw", {dw.data(), 1, std::ssize(dw)}, 1, x.cols);
    partial.assign(static_cast<std::size_t>(jobs * x.cols), 0.0F);
  }
  parallel_for(ctx.pool, x.rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    float* sum = dw.empty() ? nullptr : partial.data() + begin / kRows * x.cols;
    backends::rms_norm_backward(end - begin, x.cols, x.row(begin), w.data(), rstd.data() + begin,
                                dy.row(begin), dx.row(begin), sum);
  });
  if (dw.empty()) return;
  for (std::int64_t job = 0; job < jobs; ++job) {
    backends::add_to(x.cols, partial.data() + job * x.cols, dw.data());
  }
}

}  // namespace lq
