#include "backends/cuda/device.h"

#include <atomic>

#include "backends/cuda/blas.h"
#include "backends/cuda/queue.h"
#include "backends/cuda/weights.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

std::atomic<std::uint64_t> releases{0};

double in_gib(std::size_t bytes) { return static_cast<double>(bytes) / (1 << 30); }

// "580.65" is not asked for here: 13000 is CUDA 13.0.
std::string cuda_version(int number) { return fmt::format("{}.{}", number / 1000, number % 1000 / 10); }

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "asking the device");
  return value;
}

}  // namespace

std::uint64_t release_count() { return releases.load(); }

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // or the next launch would report it
  const bool out_of_memory = status == cudaErrorMemoryAllocation;
  LQ_CHECK(out_of_memory, kInternal,
           "[cuda] {}: {}; what was saved is kept: the same command goes on from its last checkpoint", what,
           cudaGetErrorString(status));
  fail(ErrorCode::kIo, "[cuda] {}: out of memory", what);
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

std::string trouble(Device device) {
  int driver = 0;
  int runtime = 0;
  (void)cudaDriverGetVersion(&driver);
  (void)cudaRuntimeGetVersion(&runtime);
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  (void)cudaGetLastError();
  if (driver == 0) return "no NVIDIA driver is loaded (nvidia-smi should list the card)";
  if (status == cudaErrorInsufficientDriver || driver / 1000 < runtime / 1000) {
    return fmt::format("the driver is for CUDA {}, but this program needs {}: a newer driver helps",
                       cuda_version(driver), cuda_version(runtime));
  }
  if (status != cudaSuccess && status != cudaErrorNoDevice) {
    return fmt::format("the driver says: {}", cudaGetErrorString(status));
  }
  if (device.index >= count) {
    return count == 0 ? std::string("the driver finds no card (CUDA_VISIBLE_DEVICES may hide it)")
                      : fmt::format("there are {} cards, numbered from 0", count);
  }
  const std::vector<DeviceInfo> all = devices();
  if (device.index >= all.size()) return "the driver tells nothing of this card";
  const DeviceInfo& info = all[device.index];
  if (10 * info.major + info.minor < kOldestCapability) {
    return fmt::format("{} has compute capability {}.{}, but {}.{} is the oldest that works", info.name,
                       info.major, info.minor, kOldestCapability / 10, kOldestCapability % 10);
  }
  // Takes the card, as the first work on it does: a card that another process holds alone says so here.
  const cudaError_t taken =
      cudaSetDevice(device.index) == cudaSuccess ? cudaFree(nullptr) : cudaGetLastError();
  (void)cudaGetLastError();
  if (taken == cudaErrorDevicesUnavailable) return "another process holds this card for itself";
  if (taken != cudaSuccess) return fmt::format("the driver says: {}", cudaGetErrorString(taken));
  return {};
}

DeviceMemory memory(Device device) {
  DeviceMemory m;
  check(cudaSetDevice(device.index), "choosing the device");
  check(cudaMemGetInfo(&m.free, &m.total), "asking for its memory");
  return m;
}

void CloseQueue::operator()(DeviceQueue* queue) const {
  // Nothing to tell a destructor's caller: what went wrong on the stream was reported by the work itself.
  (void)cudaSetDevice(queue->device);
  (void)cudaStreamSynchronize(queue->stream);
  delete queue->blas;
  for (DeviceBytes& b : queue->buffers) b.clear();
  queue->decoded_bytes.clear();
  queue->uploads.device.clear();
  queue->uploads.host.clear();
  (void)cudaStreamDestroy(queue->stream);
  delete queue;
}

Queue open_queue(Device device) {
  Queue queue(new DeviceQueue);
  queue->device = device.index;
  check(cudaSetDevice(queue->device), "choosing the device");
  check(cudaStreamCreateWithFlags(&queue->stream, cudaStreamNonBlocking), "a stream");
  queue->processors = attribute(cudaDevAttrMultiProcessorCount, queue->device);
  queue->capability = 10 * attribute(cudaDevAttrComputeCapabilityMajor, queue->device) +
                      attribute(cudaDevAttrComputeCapabilityMinor, queue->device);
  queue->blas = Blas::open(queue->stream).release();
  return queue;
}

std::string product_library(DeviceQueue& queue) {
  return queue.blas == nullptr ? "own kernels" : queue.blas->version();
}

void keep_decoded(DeviceQueue& queue, std::size_t bytes) {
  finish(queue);
  queue.decoded.set_capacity(0);
  queue.decoded_bytes.clear();
  if (bytes == 0) return;
  queue.decoded_bytes = {allocate({DeviceKind::kCuda, static_cast<std::uint8_t>(queue.device)}, bytes),
                         bytes};
  queue.decoded.set_capacity(bytes);
}

void finish(DeviceQueue& queue) { check(cudaStreamSynchronize(use(queue)), "the work that was queued"); }

std::byte* allocate(Device device, std::size_t size) {
  check(cudaSetDevice(device.index), "choosing the device");
  void* bytes = nullptr;
  const cudaError_t status = cudaMalloc(&bytes, size);
  if (status == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    const DeviceMemory m = memory(device);
    fail(ErrorCode::kIo,
         "[cuda] {} has no room: {:.2f} GiB more are needed, {:.2f} of {:.2f} GiB are free; smaller batches, "
         "shorter sequences, `recompute` always, fewer bits per weight, or the end of other programs on the "
         "card help",
         device_text(device), in_gib(size), in_gib(m.free), in_gib(m.total));
  }
  check(status, "memory");
  return static_cast<std::byte*>(bytes);
}

void release(std::byte* bytes) {
  ++releases;
  (void)cudaFree(bytes);
}

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

void copy_on_device(DeviceQueue& queue, const void* from, std::size_t size, void* to) {
  check(cudaMemcpyAsync(to, from, size, cudaMemcpyDeviceToDevice, use(queue)), "copy on the device");
}

void set_to_zero(DeviceQueue& queue, void* device, std::size_t size) {
  check(cudaMemsetAsync(device, 0, size, use(queue)), "setting memory to zero");
}

}  // namespace lq::backends::cuda
