// CUDA devices, their memory and the queues of work on them. Builds without CUDA have the same symbols
// (backends/no_cuda): devices() is empty there and the rest throws kUnsupported.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tensor/device.h"

namespace lq::backends::cuda {

// Whether this build has CUDA kernels.
bool built_in();

struct DeviceInfo {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  std::size_t bytes = 0;     // memory
};

// The devices that can be used; none without CUDA, driver or device. Never throws for their absence.
std::vector<DeviceInfo> devices();

struct CloseQueue {
  void operator()(DeviceQueue* queue) const;  // waits for what is queued
};
using Queue = std::unique_ptr<DeviceQueue, CloseQueue>;

// A queue that runs what is given to it in order, and waits for no other. Throws kUnsupported without CUDA,
// kInternal where the device refuses. REQUIRES: device.kind is kCuda.
Queue open_queue(Device device);

// Memory of the device, not initialized. Throws as open_queue. REQUIRES: size >= 1.
std::byte* allocate(Device device, std::size_t size);
// Waits for what is queued on the device, then gives memory from allocate back.
void release(std::byte* bytes);

// In the queue's order; both return when the copy is done. to_host also waits for all that was queued before.
void copy_to_device(DeviceQueue& queue, const void* host, std::size_t size, void* device);
void copy_to_host(DeviceQueue& queue, const void* device, std::size_t size, void* host);
// Queued: returns at once.
void set_to_zero(DeviceQueue& queue, void* device, std::size_t size);

}  // namespace lq::backends::cuda
