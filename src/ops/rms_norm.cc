#include "ops/rms_norm.h"

#include "backends/cpu/norm.h"
#include "backends/cuda/norm.h"
#include "ops/dispatch.h"

namespace lq {

void rms_norm_forward(Context& ctx, ConstMatrix x, ConstVector w, float eps, Matrix y, Vector rstd) {
  check_shape("rms_norm y", y, x.rows, x.cols);
  check_length("rms_norm w", w, x.cols);
  check_length("rms_norm rstd", rstd, x.rows);
  const Device device = common_device(
      "rms_norm", {{"x", x.device}, {"w", w.device()}, {"y", y.device}, {"rstd", rstd.device()}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::rms_norm_forward(ctx, x, w, eps, y, rstd);
    case DeviceKind::kCuda:
      return backends::cuda::rms_norm_forward(queue_of(ctx, "rms_norm", device), x.rows, x.cols, x.data,
                                              w.data(), eps, y.data, rstd.data());
  }
}

void rms_norm_backward(Context& ctx, ConstMatrix x, ConstVector w, ConstVector rstd, ConstMatrix dy,
                       Matrix dx, Vector dw) {
  check_shape("rms_norm dy", dy, x.rows, x.cols);
  check_shape("rms_norm dx", dx, x.rows, x.cols);
  check_length("rms_norm w", w, x.cols);
  check_length("rms_norm rstd", rstd, x.rows);
  if (!dw.empty()) check_length("rms_norm dw", dw, x.cols);
  const Device device = common_device("rms_norm", {{"x", x.device},
                                                   {"w", w.device()},
                                                   {"rstd", rstd.device()},
                                                   {"dy", dy.device},
                                                   {"dx", dx.device},
                                                   {"dw", dw.empty() ? dx.device : dw.device()}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::rms_norm_backward(ctx, x, w, rstd, dy, dx, dw);
    case DeviceKind::kCuda:
      return backends::cuda::rms_norm_backward(queue_of(ctx, "rms_norm", device), x.rows, x.cols, x.data,
                                               w.data(), rstd.data(), dy.data, dx.data,
                                               dw.empty() ? nullptr : dw.data());
  }
}

}  // namespace lq
