#include "backends/cuda/device.h"

#include "backends/cuda/check.h"
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

DeviceBytes::DeviceBytes(std::size_t size) { check(cudaMalloc(&data_, size), "memory"); }

DeviceBytes::DeviceBytes(const void* host, std::size_t size) : DeviceBytes(size) {
  check(cudaMemcpy(data_, host, size, cudaMemcpyHostToDevice), "copy to the device");
}

DeviceBytes::~DeviceBytes() { cudaFree(data_); }

void DeviceBytes::download(void* host, std::size_t size) const {
  check(cudaMemcpy(host, data_, size, cudaMemcpyDeviceToHost), "copy to the host");
}

}  // namespace lq::backends::cuda
