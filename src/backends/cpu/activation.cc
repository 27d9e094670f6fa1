#include "backends/cpu/activation.h"

#include "backends/cpu/transformer_activation.h"
#include "base/parallel.h"

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kActivationGrain = 32768;  // elements of one job: some tens of microseconds

}  // namespace

void activation_forward(Context& ctx, Activation a, ConstMatrix x, Matrix y) {
  parallel_for(ctx.pool, x.size(), kActivationGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::activation_forward(a, end - begin, x.data + begin, y.data + begin);
  });
}

void activation_backward(Context& ctx, Activation a, ConstMatrix x, ConstMatrix dy, Matrix dx) {
  parallel_for(ctx.pool, x.size(), kActivationGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::activation_backward(a, end - begin, x.data + begin, dy.data + begin, dx.data + begin);
  });
}

void gate_forward(Context& ctx, Activation a, ConstMatrix gate, ConstMatrix up, Matrix out) {
  parallel_for(ctx.pool, gate.size(), kActivationGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::gate_forward(a, end - begin, gate.data + begin, up.data + begin, out.data + begin);
  });
}

void gate_backward(Context& ctx, Activation a, ConstMatrix gate, ConstMatrix up, ConstMatrix dout,
                   Matrix dgate, Matrix dup) {
  parallel_for(ctx.pool, gate.size(), kActivationGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::gate_backward(a, end - begin, gate.data + begin, up.data + begin, dout.data + begin,
                            dgate.data + begin, dup.data + begin);
  });
}

void soft_cap_forward(Context& ctx, float cap, Matrix x) {
  parallel_for(ctx.pool, x.size(), kActivationGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::soft_cap_forward(end - begin, cap, x.data + begin);
  });
}

void soft_cap_backward(Context& ctx, float cap, ConstMatrix capped, Matrix dx) {
  parallel_for(ctx.pool, dx.size(), kActivationGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::soft_cap_backward(end - begin, cap, capped.data + begin, dx.data + begin);
  });
}

}  // namespace lq::backends::cpu
