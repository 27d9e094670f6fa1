#include "ops/soft_cap.h"

#include "backends/cpu/activation.h"
#include "backends/cuda/elementwise.h"
#include "ops/dispatch.h"

namespace lq {

void soft_cap_forward(Context& ctx, float cap, Matrix x) {
  LQ_CHECK(cap > 0.0F, kInvalidArgument, "[soft_cap] the cap is {}, but must be above 0", cap);
  switch (x.device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::soft_cap_forward(ctx, cap, x);
    case DeviceKind::kCuda:
      return backends::cuda::soft_cap_forward(queue_of(ctx, "soft_cap_forward", x.device), cap, x.size(),
                                              x.data);
  }
}

void soft_cap_backward(Context& ctx, float cap, ConstMatrix capped, Matrix dx) {
  LQ_CHECK(cap > 0.0F, kInvalidArgument, "[soft_cap] the cap is {}, but must be above 0", cap);
  check_shape("soft_cap dx", dx, capped.rows, capped.cols);
  switch (common_device("soft_cap_backward", {{"capped", capped.device}, {"dx", dx.device}}).kind) {
    case DeviceKind::kCpu:
      return backends::cpu::soft_cap_backward(ctx, cap, capped, dx);
    case DeviceKind::kCuda:
      return backends::cuda::soft_cap_backward(queue_of(ctx, "soft_cap_backward", dx.device), cap, dx.size(),
                                               capped.data, dx.data);
  }
}

}  // namespace lq
