// CUDA devices, their memory and the queues of work on them. Builds without CUDA have the same symbols
// (backends/no_cuda): devices() is empty there and the rest throws kUnsupported.
#pragma once

#include <cstddef>
#include <cstdint>
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

// Whether a driver of NVIDIA's is loaded, of whatever age; false without CUDA. Never throws.
bool has_driver();

// The devices that can be used; none without CUDA, driver or device. Never throws for their absence.
std::vector<DeviceInfo> devices();

// Why that device cannot be used, in one line that says what would help; empty where it can. Never throws.
std::string trouble(Device device);

struct DeviceMemory {
  std::size_t free = 0, total = 0;
};
// Of the device, as other processes leave it. Throws as open_queue.
DeviceMemory memory(Device device);

struct CloseQueue {
  void operator()(DeviceQueue* queue) const;  // waits for what is queued
};
using Queue = std::unique_ptr<DeviceQueue, CloseQueue>;

// A queue that runs what is given to it in order, and waits for no other. Throws kUnsupported without CUDA,
// kInternal where the device refuses. REQUIRES: device.kind is kCuda.
Queue open_queue(Device device);
// What multiplies large matrices: "cuBLAS 13.1.1", or "own kernels".
std::string product_library(DeviceQueue& queue);
// Bytes that decoded weights may keep until they are used again (none at first): a layer's recomputation and
// its backward pass then share one decoding.
void keep_decoded(DeviceQueue& queue, std::size_t bytes);
// Waits until all that is queued is done. Throws kInternal where some of it failed.
void finish(DeviceQueue& queue);

// Memory of the device, not initialized. Throws kUnsupported without CUDA; kIo with need, free and what to
// change where there is not enough. REQUIRES: size >= 1.
std::byte* allocate(Device device, std::size_t size);
// Waits for what is queued on the device, then gives memory from allocate back.
void release(std::byte* bytes);

// In the queue's order; both return when the copy is done. to_host also waits for all that was queued before.
void copy_to_device(DeviceQueue& queue, const void* host, std::size_t size, void* device);
void copy_to_host(DeviceQueue& queue, const void* device, std::size_t size, void* host);
// Both queued: they return at once.
void copy_on_device(DeviceQueue& queue, const void* from, std::size_t size, void* to);
void set_to_zero(DeviceQueue& queue, void* device, std::size_t size);

}  // namespace lq::backends::cuda
