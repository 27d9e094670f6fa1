#include "ops/soft_cap.h"

#include "backends/cpu/activation.h"
#include "ops/dispatch.h"

namespace lq {

void soft_cap_forward(Context& ctx, float cap, Matrix x) {
  LQ_CHECK(cap > 0.0F, kInvalidArgument, "[soft_cap] the cap is {}, but must be above 0", cap);
  cpu_only("soft_cap_forward", {{"x", x.device}});
  backends::cpu::soft_cap_forward(ctx, cap, x);
}

void soft_cap_backward(Context& ctx, float cap, ConstMatrix capped, Matrix dx) {
  LQ_CHECK(cap > 0.0F, kInvalidArgument, "[soft_cap] the cap is {}, but must be above 0", cap);
  check_shape("soft_cap dx", dx, capped.rows, capped.cols);
  cpu_only("soft_cap_backward", {{"capped", capped.device}, {"dx", dx.device}});
  backends::cpu::soft_cap_backward(ctx, cap, capped, dx);
}

}  // namespace lq
