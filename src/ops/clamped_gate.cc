#include "ops/clamped_gate.h"

#include "backends/cpu/clamped_gate.h"
#include "backends/cuda/elementwise.h"
#include "ops/dispatch.h"

namespace lq {

void clamped_gate_forward(Context& ctx, GateClamp clamp, ConstMatrix gate, ConstMatrix up, Matrix out) {
  check_shape("clamped_gate up", up, gate.rows, gate.cols);
  check_shape("clamped_gate out", out, gate.rows, gate.cols);
  const Device device =
      common_device("clamped_gate_forward", {{"gate", gate.device}, {"up", up.device}, {"out", out.device}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::clamped_gate_forward(ctx, clamp, gate, up, out);
    case DeviceKind::kCuda:
      return backends::cuda::clamped_gate_forward(queue_of(ctx, "clamped_gate_forward", device), clamp,
                                                  gate.size(), gate.data, up.data, out.data);
  }
}

void clamped_gate_backward(Context& ctx, GateClamp clamp, ConstMatrix gate, ConstMatrix up, ConstMatrix dout,
                           Matrix dgate, Matrix dup) {
  check_shape("clamped_gate up", up, gate.rows, gate.cols);
  check_shape("clamped_gate dout", dout, gate.rows, gate.cols);
  check_shape("clamped_gate dgate", dgate, gate.rows, gate.cols);
  check_shape("clamped_gate dup", dup, gate.rows, gate.cols);
  const Device device = common_device("clamped_gate_backward", {{"gate", gate.device},
                                                                {"up", up.device},
                                                                {"dout", dout.device},
                                                                {"dgate", dgate.device},
                                                                {"dup", dup.device}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::clamped_gate_backward(ctx, clamp, gate, up, dout, dgate, dup);
    case DeviceKind::kCuda:
      return backends::cuda::clamped_gate_backward(queue_of(ctx, "clamped_gate_backward", device), clamp,
                                                   gate.size(), gate.data, up.data, dout.data, dgate.data,
                                                   dup.data);
  }
}

}  // namespace lq
