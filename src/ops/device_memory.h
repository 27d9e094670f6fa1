// Tensors on any device, and copies between the host and a device.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "tensor/context.h"
#include "tensor/device_span.h"
#include "tensor/tensor.h"
#include "tensor/workspace.h"

namespace lq {

struct CloseDeviceQueue {
  void operator()(DeviceQueue* queue) const;  // waits for what is queued
};
// A queue for a context on that device; null for the processor, which needs none. Throws
// Error(kUnsupported) where this build has no such devices, Error(kInternal) where the device refuses.
std::unique_ptr<DeviceQueue, CloseDeviceQueue> open_device_queue(Device device);

// Owned, not initialized. Fits Workspace(device, empty_tensor). Throws as open_device_queue.
Tensor empty_tensor(Device device, DType dtype, Shape shape);

// A copy of a tensor of the host on the context's device; owned, even where that is the processor.
Tensor copy_to_device(Context& ctx, const Tensor& host);
// A copy on the host, after all that the context has queued.
Tensor copy_to_host(Context& ctx, const Tensor& t);

// Owned zeros on the context's device.
Tensor zeros_on_device(Context& ctx, DType dtype, Shape shape);

// Numbers for who reads them on the host, after all that the context has queued: where they lie, or copied
// into `room`, which then must outlive their use.
std::span<const float> on_host(Context& ctx, ConstVector values, std::vector<float>& room);

// to = from, wherever each lies: on the host, or on the context's device. Same lengths; apart. Where one of
// them is the host's the copy is done when this returns.
void copy_values(Context& ctx, ConstVector from, Vector to);
// The same of all bytes of a tensor of the host, into one of the same size anywhere. REQUIRES: to.owns().
void copy_bytes(Context& ctx, const std::byte* from, Tensor& to);

}  // namespace lq
