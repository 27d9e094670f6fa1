#include "backends/cuda/memory.h"

#include <algorithm>
#include <cstring>

#include "backends/cuda/device.h"
#include "backends/cuda/graph.h"
#include "backends/cuda/queue.h"

namespace lq::backends::cuda {
namespace {

constexpr std::size_t kAlign = 256;
std::size_t aligned(std::size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

// All that is queued is done: nothing reads what is given back.
void wait(DeviceQueue& queue) {
  refuse_in_capture("waiting");
  check(cudaStreamSynchronize(use(queue)), "waiting for the device");
}

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

namespace {

// The ring's next `bytes` bytes, and where they go.
struct OnTheirWay {
  const std::byte* from;
  std::byte* to;
};
OnTheirWay to_ring(DeviceQueue& queue, const void* host, std::size_t bytes) {
  refuse_in_capture("an upload");  // the ring's bytes are others when the graph runs
  Uploads& ring = queue.uploads;
  if (ring.host.size < bytes || ring.host.data == nullptr) make_room(queue, ring, bytes);
  if (ring.used + bytes > ring.host.size) {
    wait(queue);
    ring.used = 0;
  }
  std::byte* const from = ring.host.data + ring.used;
  std::byte* const to = ring.device.data + ring.used;
  ring.used = std::min(ring.host.size, ring.used + aligned(bytes));
  if (bytes > 0) std::memcpy(from, host, bytes);
  return {from, to};
}

}  // namespace

void upload_to(DeviceQueue& queue, const void* host, std::size_t bytes, void* device) {
  if (bytes == 0) return;
  const std::byte* const from = to_ring(queue, host, bytes).from;
  check(cudaMemcpyAsync(device, from, bytes, cudaMemcpyHostToDevice, use(queue)), "copy to the device");
}

const void* upload(DeviceQueue& queue, const void* host, std::size_t bytes) {
  if (const void* const there = staged(queue, host, bytes)) return there;
  const auto [from, to] = to_ring(queue, host, bytes);
  if (bytes > 0)
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, use(queue)), "copy to the device");
  return to;
}

const void* upload_constant(DeviceQueue& queue, const void* host, std::size_t bytes) {
  if (const void* const there = staged(queue, host, bytes)) return there;
  if (queue.graphs->capturing()) return queue.graphs->constant(host, bytes);
  queue.graphs->count_constant(bytes);
  return upload(queue, host, bytes);
}

const void* staged(const DeviceQueue& queue, const void* host, std::size_t bytes) {
  return queue.graphs->staged(host, bytes);
}

void deliver(DeviceQueue& queue, const void* device, std::size_t bytes, void* host) {
  if (void* const there = queue.graphs->output(host, bytes)) {
    return copy_on_device(queue, device, bytes, there);
  }
  copy_to_host(queue, device, bytes, host);
}

}  // namespace lq::backends::cuda
