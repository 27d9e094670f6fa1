#include "ops/activation.h"

#include "backends/cpu/activation.h"
#include "ops/dispatch.h"
#include "ops/silu_mul.h"

namespace lq {

void activation_forward(Context& ctx, Activation a, ConstMatrix x, Matrix y) {
  check_shape("activation y", y, x.rows, x.cols);
  cpu_only("activation_forward", {{"x", x.device}, {"y", y.device}});
  backends::cpu::activation_forward(ctx, a, x, y);
}

void activation_backward(Context& ctx, Activation a, ConstMatrix x, ConstMatrix dy, Matrix dx) {
  check_shape("activation dy", dy, x.rows, x.cols);
  check_shape("activation dx", dx, x.rows, x.cols);
  cpu_only("activation_backward", {{"x", x.device}, {"dy", dy.device}, {"dx", dx.device}});
  backends::cpu::activation_backward(ctx, a, x, dy, dx);
}

void gate_forward(Context& ctx, Activation a, ConstMatrix gate, ConstMatrix up, Matrix out) {
  if (a == Activation::kSilu) return silu_mul_forward(ctx, gate, up, out);
  check_shape("gate up", up, gate.rows, gate.cols);
  check_shape("gate out", out, gate.rows, gate.cols);
  cpu_only("gate_forward", {{"gate", gate.device}, {"up", up.device}, {"out", out.device}});
  backends::cpu::gate_forward(ctx, a, gate, up, out);
}

void gate_backward(Context& ctx, Activation a, ConstMatrix gate, ConstMatrix up, ConstMatrix dout,
                   Matrix dgate, Matrix dup) {
  if (a == Activation::kSilu) return silu_mul_backward(ctx, gate, up, dout, dgate, dup);
  check_shape("gate up", up, gate.rows, gate.cols);
  check_shape("gate dout", dout, gate.rows, gate.cols);
  check_shape("gate dgate", dgate, gate.rows, gate.cols);
  check_shape("gate dup", dup, gate.rows, gate.cols);
  cpu_only("gate_backward", {{"gate", gate.device},
                             {"up", up.device},
                             {"dout", dout.device},
                             {"dgate", dgate.device},
                             {"dup", dup.device}});
  backends::cpu::gate_backward(ctx, a, gate, up, dout, dgate, dup);
}

}  // namespace lq
