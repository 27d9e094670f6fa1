#include "backends/cuda/device.h"

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "backends/cuda/blas.h"
#include "backends/cuda/cudnn_attention.h"
#include "backends/cuda/device_facts.h"
#include "backends/cuda/graph.h"
#include "backends/cuda/queue.h"
#include "backends/cuda/weights.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

std::atomic<std::uint64_t> releases{0};

double in_gib(std::size_t bytes) { return static_cast<double>(bytes) / (1 << 30); }

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "asking the device");
  return value;
}

// For measurements, and where graphs are in the way: LQ_CUDA_GRAPHS=0 queues everything kernel by kernel.
bool graphs_wanted() {
  const char* const text = std::getenv("LQ_CUDA_GRAPHS");
  return text == nullptr || std::string_view(text) != "0";
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

bool has_driver() {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess && version > 0;
}

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
  DeviceFacts f;
  (void)cudaDriverGetVersion(&f.driver);
  (void)cudaRuntimeGetVersion(&f.runtime);
  f.index = device.index;
  const cudaError_t counted = cudaGetDeviceCount(&f.count);
  if (counted == cudaErrorInsufficientDriver) f.counted = DeviceFacts::Count::kOldDriver;
  if (counted == cudaErrorNoDevice) f.count = 0;
  if (counted != cudaSuccess && counted != cudaErrorInsufficientDriver && counted != cudaErrorNoDevice) {
    f.counted = DeviceFacts::Count::kFailed;
    f.words = cudaGetErrorString(counted);
  }
  (void)cudaGetLastError();  // or the next launch would report it
  const std::vector<DeviceInfo> all = devices();
  if (device.index < all.size()) {
    const DeviceInfo& info = all[device.index];
    f.known = true;
    f.name = info.name;
    f.capability = 10 * info.major + info.minor;
  }
  if (const std::string text = trouble_text(f); !text.empty()) return text;
  // Takes the card, as the first work on it does: a card that another process holds alone says so here.
  cudaError_t taken = cudaSetDevice(device.index);
  if (taken == cudaSuccess) taken = cudaFree(nullptr);
  if (taken == cudaSuccess) taken = kernels_status();
  (void)cudaGetLastError();
  switch (taken) {
    case cudaSuccess:
      break;
    case cudaErrorDevicesUnavailable:
      f.taken = DeviceFacts::Taken::kHeldByAnother;
      break;
    case cudaErrorMemoryAllocation:
      f.taken = DeviceFacts::Taken::kNoMemory;
      break;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
      f.taken = DeviceFacts::Taken::kOtherKernels;
      break;
    default:
      f.taken = DeviceFacts::Taken::kFailed;
      f.words = cudaGetErrorString(taken);
  }
  return trouble_text(f);
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
  delete queue->graphs;
  delete queue->blas;
  delete queue->cudnn;
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
  queue->graphs = new Graphs(*queue, graphs_wanted());
  queue->blas = Blas::open(queue->stream).release();
  const char* const fold = std::getenv("LQ_CUDA_FOLD");  // to measure the one against the other
  queue->folds = fold == nullptr || std::string_view(fold) != "0";
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

void finish(DeviceQueue& queue) {
  refuse_in_capture("waiting");
  check(cudaStreamSynchronize(use(queue)), "the work that was queued");
}

std::byte* allocate(Device device, std::size_t size) {
  refuse_in_capture("memory");
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
  if (!release_after_capture(bytes)) (void)cudaFree(bytes);
}

void copy_to_device(DeviceQueue& queue, const void* host, std::size_t size, void* device) {
  refuse_in_capture("waiting for a copy");
  const cudaStream_t stream = use(queue);
  check(cudaMemcpyAsync(device, host, size, cudaMemcpyHostToDevice, stream), "copy to the device");
  check(cudaStreamSynchronize(stream), "copy to the device");
}

void copy_to_host(DeviceQueue& queue, const void* device, std::size_t size, void* host) {
  refuse_in_capture("waiting for a copy");
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
