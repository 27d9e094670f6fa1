#include "backends/cuda/device.h"

#include "backends/cuda/queue.h"
#include "base/error.h"

namespace lq::backends::cuda {

void check(cudaError_t status, const char* what) {
  LQ_CHECK(status == cudaSuccess, kInternal, "[cuda] {}: {}", what, cudaGetErrorString(status));
}

bool built_in() { return true; }

std::vector<DeviceInfo> devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    (void)cudaGetLastError();  // or the next launch would report it
    return {};
  }
  std::vector<DeviceInfo> all;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp p;
    if (cudaGetDeviceProperties(&p, i) == cudaSuccess)
      all.push_back({p.name, p.major, p.minor, p.totalGlobalMem});
  }
  return all;
}

void CloseQueue::operator()(DeviceQueue* queue) const {
  // Nothing to tell a destructor's caller: what went wrong on the stream was reported by the work itself.
  (void)cudaSetDevice(queue->device);
  (void)cudaStreamSynchronize(queue->stream);
  (void)cudaStreamDestroy(queue->stream);
  delete queue;
}

Queue open_queue(Device device) {
  auto queue = std::make_unique<DeviceQueue>();
  queue->device = device.index;
  check(cudaSetDevice(queue->device), "choosing the device");
  check(cudaStreamCreateWithFlags(&queue->stream, cudaStreamNonBlocking), "a stream");
  return Queue(queue.release());
}

std::byte* allocate(Device device, std::size_t size) {
  check(cudaSetDevice(device.index), "choosing the device");
  void* bytes = nullptr;
  check(cudaMalloc(&bytes, size), "memory");
  return static_cast<std::byte*>(bytes);
}

void release(std::byte* bytes) { (void)cudaFree(bytes); }

void copy_to_device(DeviceQueue& queue, const void* host, std::size_t size, void* device) {
  const cudaStream_t stream = use(queue);
  check(cudaMemcpyAsync(device, host, size, cudaMemcpyHostToDevice, stream), "copy to the device");
  check(cudaStreamSynchronize(stream), "copy to the device");
}

void copy_to_host(DeviceQueue& queue, const void* device, std::size_t size, void* host) {
  const cudaStream_t stream = use(queue);
  check(cudaMemcpyAsync(host, device, size, cudaMemcpyDeviceToHost, stream), "copy to the host");
  check(cudaStreamSynchronize(stream), "copy to the host");
}

void set_to_zero(DeviceQueue& queue, void* device, std::size_t size) {
  check(cudaMemsetAsync(device, 0, size, use(queue)), "setting memory to zero");
}

}  // namespace lq::backends::cuda
