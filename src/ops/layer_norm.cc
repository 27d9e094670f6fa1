#include "ops/layer_norm.h"

#include "backends/cpu/norm.h"
#include "ops/dispatch.h"

namespace lq {

void layer_norm_forward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector b, float eps, Matrix y,
                        Vector mean, Vector rstd) {
  check_shape("layer_norm y", y, x.rows, x.cols);
  check_length("layer_norm w", w, x.cols);
  check_length("layer_norm b", b, x.cols);
  check_length("layer_norm mean", mean, x.rows);
  check_length("layer_norm rstd", rstd, x.rows);
  cpu_only("layer_norm_forward", {{"x", x.device},
                                  {"w", w.device()},
                                  {"b", b.device()},
                                  {"y", y.device},
                                  {"mean", mean.device()},
                                  {"rstd", rstd.device()}});
  backends::cpu::layer_norm_forward(ctx, x, w, b, eps, y, mean, rstd);
}

void layer_norm_backward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector mean, ConstVector rstd,
                         ConstMatrix dy, Matrix dx, Vector dw, Vector db) {
  check_shape("layer_norm dy", dy, x.rows, x.cols);
  check_shape("layer_norm dx", dx, x.rows, x.cols);
  check_length("layer_norm w", w, x.cols);
  check_length("layer_norm mean", mean, x.rows);
  check_length("layer_norm rstd", rstd, x.rows);
  LQ_CHECK(dw.empty() == db.empty(), kMismatch, "[layer_norm] the gradients of w and b are wanted together");
  if (!dw.empty()) check_length("layer_norm dw", dw, x.cols);
  if (!db.empty()) check_length("layer_norm db", db, x.cols);
  cpu_only("layer_norm_backward", {{"x", x.device},
                                   {"w", w.device()},
                                   {"mean", mean.device()},
                                   {"rstd", rstd.device()},
                                   {"dy", dy.device},
                                   {"dx", dx.device}});
  backends::cpu::layer_norm_backward(ctx, x, w, mean, rstd, dy, dx, dw, db);
}

}  // namespace lq
