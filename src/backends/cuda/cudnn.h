// cuDNN, found when the program runs: a build needs neither its headers nor its library, and where it is not
// installed, or too old, attention.cu and cuBLAS take over. Internal to backends/cuda.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <string>

namespace lq::backends::cuda {

// The binary interface of cuDNN 9's graphs: descriptors that are made, given attributes by number, finalized
// and executed. Numbers of its enums are never changed.
struct CudnnCalls {
  int (*create_descriptor)(int type, void** descriptor) = nullptr;
  int (*destroy_descriptor)(void* descriptor) = nullptr;
  int (*set_attribute)(void* descriptor, int name, int type, std::int64_t count,
                       const void* values) = nullptr;
  int (*get_attribute)(const void* descriptor, int name, int type, std::int64_t room, std::int64_t* count,
                       void* values) = nullptr;
  int (*finalize)(void* descriptor) = nullptr;
  int (*execute)(void* handle, void* plan, void* variant_pack) = nullptr;
};

class Cudnn {
 public:
  // Null where cuDNN 9.10.2 or later is not found, on cards other than Hopper (capability 90), and where
  // LQ_CUDNN is 0. The stream outlives it; the calling thread's device is the stream's.
  static std::unique_ptr<Cudnn> open(cudaStream_t stream, int capability);
  ~Cudnn();
  Cudnn(const Cudnn&) = delete;
  Cudnn& operator=(const Cudnn&) = delete;

  const CudnnCalls& calls() const { return calls_; }
  void* handle() const { return handle_; }
  // "cuDNN 9.10.2".
  const std::string& version() const { return version_; }

 private:
  Cudnn() = default;
  bool load(cudaStream_t stream);

  CudnnCalls calls_;
  int (*destroy_)(void*) = nullptr;
  void* library_ = nullptr;
  void* handle_ = nullptr;
  std::string version_;
};

}  // namespace lq::backends::cuda
