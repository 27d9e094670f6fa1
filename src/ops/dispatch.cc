#include "ops/dispatch.h"

#include "base/error.h"

namespace lq {

void cpu_only(std::string_view op, std::initializer_list<NamedDevice> operands) {
  const Device device = common_device(op, operands);
  LQ_CHECK(device.is_cpu(), kUnsupported, "[ops] {} runs on the cpu only, but {} is on {}", op,
           operands.begin()->name, device_text(device));
}

DeviceQueue& queue_of(Context& ctx, std::string_view op, Device device) {
  LQ_CHECK(ctx.device == device, kMismatch, "[ops] {}: the operands are on {}, the context works on {}", op,
           device_text(device), device_text(ctx.device));
  LQ_CHECK(ctx.queue != nullptr, kInternal, "[ops] {}: the context has no queue for {}", op,
           device_text(device));
  return *ctx.queue;
}

}  // namespace lq
