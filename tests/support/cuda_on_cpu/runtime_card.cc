// The card: its description, its errors, and whether there is one.
#include "runtime_card.h"

#include <cstdio>
#include <cstdlib>

#include "include/kernel.h"

namespace cuda_on_cpu {

long setting(const char* name, long otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == 0 ? otherwise : std::atol(text);
}

[[noreturn]] void stop(const char* what) {
  std::fprintf(stderr, "cuda_on_cpu: %s in thread (%u, %u) of block (%u, %u)\n", what, threadIdx.x,
               threadIdx.y, blockIdx.x, blockIdx.y);
  std::abort();
}

Card card;

cudaError_t failed(cudaError_t error) {
  card.last_error = error;
  return error;
}

std::size_t total_bytes() { return static_cast<std::size_t>(setting("LQ_CPU_CARD_BYTES", 8L << 30)); }
bool lost() {
  const long after = setting("LQ_CPU_CARD_FAILS_AFTER", -1);
  return after >= 0 && card.launches > after;
}

}  // namespace cuda_on_cpu

namespace {

using namespace cuda_on_cpu;

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = static_cast<int>(setting("LQ_CPU_CARDS", 1));
  if (setting("LQ_CPU_CARD_DRIVER", 13000) < 13000) return failed(cudaErrorInsufficientDriver);
  return *count == 0 ? failed(cudaErrorNoDevice) : cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || device >= count) return failed(cudaErrorInvalidDevice);
  const long capability = setting("LQ_CPU_CARD_CAPABILITY", 90);
  *p = {"the processor as a card", static_cast<int>(capability / 10), static_cast<int>(capability % 10),
        total_bytes()};
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int /*device*/) {
  const long capability = setting("LQ_CPU_CARD_CAPABILITY", 90);
  *value = which == cudaDevAttrMultiProcessorCount      ? 3
           : which == cudaDevAttrComputeCapabilityMajor ? static_cast<int>(capability / 10)
                                                        : static_cast<int>(capability % 10);
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = static_cast<int>(setting("LQ_CPU_CARD_DRIVER", 13000));
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  int count = 0;
  return cudaGetDeviceCount(&count) != cudaSuccess || device >= count ? failed(cudaErrorInvalidDevice)
                                                                      : cudaSuccess;
}

cudaError_t cudaGetLastError() {
  const std::lock_guard<std::recursive_mutex> lock(card.mutex);
  const cudaError_t error = card.last_error;
  card.last_error = cudaSuccess;
  return error;
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorDevicesUnavailable:
      return "CUDA-capable device(s) is/are busy or unavailable";
    default:
      return "another error";
  }
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  *attributes = {1024};
  return setting("LQ_CPU_CARD_CAPABILITY", 90) < 80 && setting("LQ_CPU_CARD_OTHER_BUILD", 0) != 0
             ? failed(cudaErrorNoKernelImageForDevice)
             : cudaSuccess;
}
}
