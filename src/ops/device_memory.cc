#include "ops/device_memory.h"

#include <algorithm>
#include <cstring>

#include "backends/cuda/device.h"
#include "base/error.h"
#include "ops/dispatch.h"

namespace lq {

void CloseDeviceQueue::operator()(DeviceQueue* queue) const { backends::cuda::CloseQueue()(queue); }

std::unique_ptr<DeviceQueue, CloseDeviceQueue> open_device_queue(Device device) {
  if (device.is_cpu()) return nullptr;
  return std::unique_ptr<DeviceQueue, CloseDeviceQueue>(backends::cuda::open_queue(device).release());
}

Tensor empty_tensor(Device device, DType dtype, Shape shape) {
  if (device.is_cpu()) return Tensor::empty(dtype, std::move(shape));
  const std::size_t bytes = static_cast<std::size_t>(checked_numel(shape, "tensor")) * dtype_size(dtype);
  std::byte* const memory = backends::cuda::allocate(device, std::max<std::size_t>(bytes, 1));
  return Tensor::adopt(dtype, std::move(shape), device, memory, backends::cuda::release);
}

Tensor copy_to_device(Context& ctx, const Tensor& host) {
  LQ_CHECK(host.device().is_cpu(), kInternal, "[ops] copy_to_device: the tensor is on {} already",
           device_text(host.device()));
  Tensor copy = empty_tensor(ctx.device, host.dtype(), host.shape());
  if (host.bytes() == 0) return copy;
  switch (ctx.device.kind) {
    case DeviceKind::kCpu:
      std::memcpy(copy.mutable_raw(), host.raw(), host.bytes());
      break;
    case DeviceKind::kCuda:
      backends::cuda::copy_to_device(queue_of(ctx, "copy_to_device", ctx.device), host.raw(), host.bytes(),
                                     copy.mutable_raw());
      break;
  }
  return copy;
}

Tensor copy_to_host(Context& ctx, const Tensor& t) {
  Tensor copy = Tensor::empty(t.dtype(), t.shape());
  if (t.bytes() == 0) return copy;
  switch (t.device().kind) {
    case DeviceKind::kCpu:
      std::memcpy(copy.mutable_raw(), t.raw(), t.bytes());
      break;
    case DeviceKind::kCuda:
      backends::cuda::copy_to_host(queue_of(ctx, "copy_to_host", t.device()), t.raw(), t.bytes(),
                                   copy.mutable_raw());
      break;
  }
  return copy;
}

}  // namespace lq
