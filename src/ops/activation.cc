#include "ops/activation.h"

#include "backends/cpu/activation.h"
#include "backends/cuda/elementwise.h"
#include "ops/dispatch.h"
#include "ops/silu_mul.h"

namespace lq {

void activation_forward(Context& ctx, Activation a, ConstMatrix x, Matrix y) {
  check_shape("activation y", y, x.rows, x.cols);
  switch (common_device("activation_forward", {{"x", x.device}, {"y", y.device}}).kind) {
    case DeviceKind::kCpu:
      return backends::cpu::activation_forward(ctx, a, x, y);
    case DeviceKind::kCuda:
      return backends::cuda::activation_forward(queue_of(ctx, "activation_forward", x.device), a, x.size(),
                                                x.data, y.data);
  }
}

void activation_backward(Context& ctx, Activation a, ConstMatrix x, ConstMatrix dy, Matrix dx) {
  check_shape("activation dy", dy, x.rows, x.cols);
  check_shape("activation dx", dx, x.rows, x.cols);
  const Device device =
      common_device("activation_backward", {{"x", x.device}, {"dy", dy.device}, {"dx", dx.device}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::activation_backward(ctx, a, x, dy, dx);
    case DeviceKind::kCuda:
      return backends::cuda::activation_backward(queue_of(ctx, "activation_backward", device), a, x.size(),
                                                 x.data, dy.data, dx.data);
  }
}

void gate_forward(Context& ctx, Activation a, ConstMatrix gate, ConstMatrix up, Matrix out) {
  if (a == Activation::kSilu) return silu_mul_forward(ctx, gate, up, out);
  check_shape("gate up", up, gate.rows, gate.cols);
  check_shape("gate out", out, gate.rows, gate.cols);
  const Device device =
      common_device("gate_forward", {{"gate", gate.device}, {"up", up.device}, {"out", out.device}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::gate_forward(ctx, a, gate, up, out);
    case DeviceKind::kCuda:
      return backends::cuda::gate_forward(queue_of(ctx, "gate_forward", device), a, gate.size(), gate.data,
                                          up.data, out.data);
  }
}

void gate_backward(Context& ctx, Activation a, ConstMatrix gate, ConstMatrix up, ConstMatrix dout,
                   Matrix dgate, Matrix dup) {
  if (a == Activation::kSilu) return silu_mul_backward(ctx, gate, up, dout, dgate, dup);
  check_shape("gate up", up, gate.rows, gate.cols);
  check_shape("gate dout", dout, gate.rows, gate.cols);
  check_shape("gate dgate", dgate, gate.rows, gate.cols);
  check_shape("gate dup", dup, gate.rows, gate.cols);
  const Device device = common_device("gate_backward", {{"gate", gate.device},
                                                        {"up", up.device},
                                                        {"dout", dout.device},
                                                        {"dgate", dgate.device},
                                                        {"dup", dup.device}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::gate_backward(ctx, a, gate, up, dout, dgate, dup);
    case DeviceKind::kCuda:
      return backends::cuda::gate_backward(queue_of(ctx, "gate_backward", device), a, gate.size(), gate.data,
                                           up.data, dout.data, dgate.data, dup.data);
  }
}

}  // namespace lq
