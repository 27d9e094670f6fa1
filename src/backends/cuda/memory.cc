#include "backends/cuda/memory.h"

#include <algorithm>
#include <cstring>

#include "backends/cuda/device.h"
#include "backends/cuda/queue.h"

namespace lq::backends::cuda {
namespace {

constexpr std::size_t kAlign = 256;
std::size_t aligned(std::size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

// All that is queued is done: nothing reads what is given back.
void wait(DeviceQueue& queue) { check(cudaStreamSynchronize(use(queue)), "waiting for the device"); }

void make_room(DeviceQueue& queue, Uploads& ring, std::size_t bytes) {
  const std::size_t size = std::max(kUploads, aligned(bytes));
  wait(queue);
  ring.device.clear();
  ring.host.clear();
  ring.device = {allocate({DeviceKind::kCuda, static_cast<std::uint8_t>(queue.device)}, size), size};
  void* host = nullptr;
  check(cudaMallocHost(&host, size), "pinned memory");
  ring.host = {static_cast<std::byte*>(host), size};
  ring.used = 0;
}

}  // namespace

void DeviceBytes::clear() {
  if (data != nullptr) release(data);
  *this = {};
}

void PinnedBytes::clear() {
  if (data != nullptr) (void)cudaFreeHost(data);
  *this = {};
}

void* buffer(DeviceQueue& queue, Buffer which, std::size_t bytes) {
  DeviceBytes& b = queue.buffers[static_cast<std::size_t>(which)];
  if (b.size < bytes || b.data == nullptr) {
    wait(queue);
    b.clear();
    const std::size_t size = aligned(std::max<std::size_t>(bytes, 1));
    b = {allocate({DeviceKind::kCuda, static_cast<std::uint8_t>(queue.device)}, size), size};
  }
  return b.data;
}

const void* upload(DeviceQueue& queue, const void* host, std::size_t bytes) {
  Uploads& ring = queue.uploads;
  if (ring.host.size < bytes || ring.host.data == nullptr) make_room(queue, ring, bytes);
  if (ring.used + bytes > ring.host.size) {
    wait(queue);
    ring.used = 0;
  }
  std::byte* const from = ring.host.data + ring.used;
  std::byte* const to = ring.device.data + ring.used;
  ring.used = std::min(ring.host.size, ring.used + aligned(bytes));
  if (bytes > 0) {
    std::memcpy(from, host, bytes);
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, use(queue)), "copy to the device");
  }
  return to;
}

}  // namespace lq::backends::cuda
