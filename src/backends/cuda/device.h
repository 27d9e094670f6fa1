// CUDA devices and their memory. Builds without CUDA have the same symbols (backends/no_cuda).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

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

// Memory of the current device. Throws kUnsupported without CUDA, kInternal where the device refuses.
class DeviceBytes {
 public:
  explicit DeviceBytes(std::size_t size);  // uninitialized; size >= 1
  DeviceBytes(const void* host, std::size_t size);
  DeviceBytes(const DeviceBytes&) = delete;
  DeviceBytes& operator=(const DeviceBytes&) = delete;
  ~DeviceBytes();

  void* get() const { return data_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  // Copies the first `size` bytes to the host, after all work queued before. REQUIRES: size <= its own.
  void download(void* host, std::size_t size) const;

 private:
  void* data_ = nullptr;
};

}  // namespace lq::backends::cuda
