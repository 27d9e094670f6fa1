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

Tensor zeros_on_device(Context& ctx, DType dtype, Shape shape) {
  if (ctx.device.is_cpu()) return Tensor::zeros(dtype, std::move(shape));
  Tensor result = empty_tensor(ctx.device, dtype, std::move(shape));
  if (result.bytes() > 0) {
    backends::cuda::set_to_zero(queue_of(ctx, "zeros", ctx.device), result.mutable_raw(), result.bytes());
  }
  return result;
}

std::span<const float> on_host(Context& ctx, ConstVector values, std::vector<float>& room) {
  if (values.device().is_cpu()) return values;
  room.resize(values.size());
  copy_values(ctx, values, room);
  return room;
}

void copy_values(Context& ctx, ConstVector from, Vector to) {
  LQ_CHECK(from.size() == to.size(), kMismatch, "[ops] copy_values: {} numbers to {}", from.size(),
           to.size());
  const std::size_t bytes = from.size() * sizeof(float);
  if (bytes == 0) return;
  if (from.device().is_cpu() && to.device().is_cpu()) {
    std::memcpy(to.data(), from.data(), bytes);
  } else if (from.device().is_cpu()) {
    backends::cuda::copy_to_device(queue_of(ctx, "copy_values", to.device()), from.data(), bytes, to.data());
  } else if (to.device().is_cpu()) {
    backends::cuda::copy_to_host(queue_of(ctx, "copy_values", from.device()), from.data(), bytes, to.data());
  } else {
    const Device device = common_device("copy_values", {{"from", from.device()}, {"to", to.device()}});
    backends::cuda::copy_on_device(queue_of(ctx, "copy_values", device), from.data(), bytes, to.data());
  }
}

void copy_bytes(Context& ctx, const std::byte* from, Tensor& to) {
  if (to.bytes() == 0) return;
  switch (to.device().kind) {
    case DeviceKind::kCpu:
      std::memcpy(to.mutable_raw(), from, to.bytes());
      break;
    case DeviceKind::kCuda:
      backends::cuda::copy_to_device(queue_of(ctx, "copy_values", to.device()), from, to.bytes(),
                                     to.mutable_raw());
      break;
  }
}

Tensor copy_to_device(Context& ctx, const Tensor& host) {
  LQ_CHECK(host.device().is_cpu(), kInternal, "[ops] copy_to_device: the tensor is on {} already",
           device_text(host.device()));
  Tensor result = empty_tensor(ctx.device, host.dtype(), host.shape());
  copy_bytes(ctx, host.raw(), result);
  return result;
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
