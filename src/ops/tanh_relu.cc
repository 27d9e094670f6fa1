#include "ops/tanh_relu.h"

#include "backends/cpu/label_head.h"
#include "ops/dispatch.h"

namespace lq {

void tanh_forward(Context& ctx, Vector x) {
  cpu_only("tanh_forward", {{"x", x.device()}});
  backends::cpu::tanh_forward(ctx, x);
}

void tanh_backward(Context& ctx, ConstVector y, Vector dy) {
  check_length("tanh y", y, static_cast<std::int64_t>(dy.size()));
  cpu_only("tanh_backward", {{"y", y.device()}, {"dy", dy.device()}});
  backends::cpu::tanh_backward(ctx, y, dy);
}

void relu_forward(Context& ctx, Vector x) {
  cpu_only("relu_forward", {{"x", x.device()}});
  backends::cpu::relu_forward(ctx, x);
}

void relu_backward(Context& ctx, ConstVector y, Vector dy) {
  check_length("relu y", y, static_cast<std::int64_t>(dy.size()));
  cpu_only("relu_backward", {{"y", y.device()}, {"dy", dy.device()}});
  backends::cpu::relu_backward(ctx, y, dy);
}

}  // namespace lq
