#include "backends/cpu/clamped_gate.h"

#include "backends/cpu/transformer_clamped_gate.h"
#include "base/parallel.h"

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kClampedGrain = 32768;  // elements of one job: some tens of microseconds

}  // namespace

void clamped_gate_forward(Context& ctx, GateClamp clamp, ConstMatrix gate, ConstMatrix up, Matrix out) {
  parallel_for(ctx.pool, gate.size(), kClampedGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::clamped_gate_forward(clamp, end - begin, gate.data + begin, up.data + begin, out.data + begin);
  });
}

void clamped_gate_backward(Context& ctx, GateClamp clamp, ConstMatrix gate, ConstMatrix up, ConstMatrix dout,
                           Matrix dgate, Matrix dup) {
  parallel_for(ctx.pool, gate.size(), kClampedGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::clamped_gate_backward(clamp, end - begin, gate.data + begin, up.data + begin, dout.data + begin,
                                    dgate.data + begin, dup.data + begin);
  });
}

}  // namespace lq::backends::cpu
