#include "ops/silu_mul.h"

#include "backends/cpu/elementwise.h"
#include "backends/cuda/elementwise.h"
#include "ops/dispatch.h"

namespace lq {

void silu_mul_forward(Context& ctx, ConstMatrix gate, ConstMatrix up, Matrix out) {
  check_shape("silu_mul up", up, gate.rows, gate.cols);
  check_shape("silu_mul out", out, gate.rows, gate.cols);
  const Device device =
      common_device("silu_mul", {{"gate", gate.device}, {"up", up.device}, {"out", out.device}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::silu_mul_forward(ctx, gate, up, out);
    case DeviceKind::kCuda:
      return backends::cuda::silu_mul_forward(queue_of(ctx, "silu_mul", device), gate.size(), gate.data,
                                              up.data, out.data);
  }
}

void silu_mul_backward(Context& ctx, ConstMatrix gate, ConstMatrix up, ConstMatrix dout, Matrix dgate,
                       Matrix dup) {
  check_shape("silu_mul up", up, gate.rows, gate.cols);
  check_shape("silu_mul dout", dout, gate.rows, gate.cols);
  check_shape("silu_mul dgate", dgate, gate.rows, gate.cols);
  check_shape("silu_mul dup", dup, gate.rows, gate.cols);
  const Device device = common_device("silu_mul", {{"gate", gate.device},
                                                   {"up", up.device},
                                                   {"dout", dout.device},
                                                   {"dgate", dgate.device},
                                                   {"dup", dup.device}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::silu_mul_backward(ctx, gate, up, dout, dgate, dup);
    case DeviceKind::kCuda:
      return backends::cuda::silu_mul_backward(queue_of(ctx, "silu_mul", device), gate.size(), gate.data,
                                               up.data, dout.data, dgate.data, dup.data);
  }
}

}  // namespace lq
