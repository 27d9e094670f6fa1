#include "backends/cuda/cudnn.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

namespace lq::backends::cuda {
namespace {

// 9.10.2 is 91002 since version 9. Older ones lack something: 9.6 packed sequences whose heads share keys,
// 9.10.0 and 9.10.1 have a backward pass that NVIDIA's own frontend refuses, 9.9 windows on Hopper.
constexpr std::size_t kOldestCudnn = 91002;
constexpr std::size_t kNextGeneration = 100000;  // 10 may number its enums anew
// Backward is the same bits in every run by another graph on Blackwell, and never for packed sequences on
// Ampere and Ada.
constexpr int kHopper = 90;

template <typename Function>
bool find_call(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

Cudnn::~Cudnn() {
  if (handle_ != nullptr) (void)destroy_(handle_);
  if (library_ != nullptr) dlclose(library_);
}

bool Cudnn::load(cudaStream_t stream) {
  std::size_t (*get_version)() = nullptr;
  int (*create)(void**) = nullptr;
  int (*set_stream)(void*, cudaStream_t) = nullptr;
  // It stays: a graph that ends gives back what it holds of a plan later, in a thread of CUDA's.
  library_ = dlopen("libcudnn.so.9", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library_ == nullptr || !find_call(library_, "cudnnGetVersion", get_version) ||
      !find_call(library_, "cudnnCreate", create) || !find_call(library_, "cudnnDestroy", destroy_) ||
      !find_call(library_, "cudnnSetStream", set_stream) ||
      !find_call(library_, "cudnnBackendCreateDescriptor", calls_.create_descriptor) ||
      !find_call(library_, "cudnnBackendDestroyDescriptor", calls_.destroy_descriptor) ||
      !find_call(library_, "cudnnBackendSetAttribute", calls_.set_attribute) ||
      !find_call(library_, "cudnnBackendGetAttribute", calls_.get_attribute) ||
      !find_call(library_, "cudnnBackendFinalize", calls_.finalize) ||
      !find_call(library_, "cudnnBackendExecute", calls_.execute))
    return false;
  const std::size_t number = get_version();
  if (number < kOldestCudnn || number >= kNextGeneration) return false;
  if (create(&handle_) != 0) {
    handle_ = nullptr;
    return false;
  }
  version_ = fmt::format("cuDNN {}.{}.{}", number / 10000, number / 100 % 100, number % 100);
  return set_stream(handle_, stream) == 0;
}

std::unique_ptr<Cudnn> Cudnn::open(cudaStream_t stream, int capability) {
  const char* const wish = std::getenv("LQ_CUDNN");
  if (capability != kHopper || (wish != nullptr && std::string_view(wish) == "0")) return nullptr;
  std::unique_ptr<Cudnn> cudnn(new Cudnn);
  if (!cudnn->load(stream)) return nullptr;
  return cudnn;
}

}  // namespace lq::backends::cuda
