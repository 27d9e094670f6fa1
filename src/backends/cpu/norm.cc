#include "backends/cpu/norm.h"

#include <vector>

#include "backends/cpu/transformer_elementwise.h"
#include "backends/cpu/transformer_norm.h"
#include "base/parallel.h"

namespace lq::backends::cpu {
namespace {

// Rows that one job takes; dw is summed over jobs in their order.
constexpr std::int64_t kRows = 64;

}  // namespace

void rms_norm_forward(Context& ctx, ConstMatrix x, ConstVector w, float eps, Matrix y, Vector rstd) {
  parallel_for(ctx.pool, x.rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    backends::rms_norm_forward(end - begin, x.cols, x.row(begin), w.data(), eps, y.row(begin),
                               rstd.data() + begin);
  });
}

void rms_norm_backward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector rstd, ConstMatrix dy,
                       Matrix dx, Vector dw) {
  const std::int64_t jobs = (x.rows + kRows - 1) / kRows;
  std::vector<float> partial(dw.empty() ? 0 : static_cast<std::size_t>(jobs * x.cols), 0.0F);
  parallel_for(ctx.pool, x.rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    float* sum = dw.empty() ? nullptr : partial.data() + begin / kRows * x.cols;
    backends::rms_norm_backward(end - begin, x.cols, x.row(begin), w.data(), rstd.data() + begin,
                                dy.row(begin), dx.row(begin), sum);
  });
  if (dw.empty()) return;
  for (std::int64_t job = 0; job < jobs; ++job) add_to(x.cols, partial.data() + job * x.cols, dw.data());
}

void layer_norm_forward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector b, float eps, Matrix y,
                        Vector mean, Vector rstd) {
  parallel_for(ctx.pool, x.rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    backends::layer_norm_forward(end - begin, x.cols, x.row(begin), w.data(), b.data(), eps, y.row(begin),
                                 mean.data() + begin, rstd.data() + begin);
  });
}

void layer_norm_backward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector mean, ConstVector rstd,
                         ConstMatrix dy, Matrix dx, Vector dw, Vector db) {
  const std::int64_t jobs = (x.rows + kRows - 1) / kRows;
  // Of each job, the weight's and then the bias's.
  std::vector<float> partial(dw.empty() ? 0 : static_cast<std::size_t>(2 * jobs * x.cols), 0.0F);
  parallel_for(ctx.pool, x.rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    float* sum = dw.empty() ? nullptr : partial.data() + 2 * (begin / kRows) * x.cols;
    backends::layer_norm_backward(end - begin, x.cols, x.row(begin), w.data(), mean.data() + begin,
                                  rstd.data() + begin, dy.row(begin), dx.row(begin), sum,
                                  sum == nullptr ? nullptr : sum + x.cols);
  });
  if (dw.empty()) return;
  for (std::int64_t job = 0; job < jobs; ++job) {
    add_to(x.cols, partial.data() + 2 * job * x.cols, dw.data());
    add_to(x.cols, partial.data() + (2 * job + 1) * x.cols, db.data());
  }
}

}  // namespace lq::backends::cpu
