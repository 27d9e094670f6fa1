#include "backends/cuda/blas.h"

#include <dlfcn.h>

#include <string>
#include <utility>

#include "backends/cuda/check.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

// The binary interface of cuBLAS 11 to 13; numbers of its enums are never changed.
using Handle = void*;
constexpr int kAsIs = 0;
constexpr int kTransposed = 1;
constexpr int kComputeF32 = 68;
constexpr int kComputeTf32 = 77;
constexpr int kDefaultAlgorithm = -1;
constexpr int kOldestVersion = 11000;
constexpr std::size_t kWorkspace = std::size_t{64} << 20;  // what Hopper's kernels want

using Create = int (*)(Handle*);
using Destroy = int (*)(Handle);
using GetVersion = int (*)(Handle, int*);
using SetStream = int (*)(Handle, cudaStream_t);
using SetWorkspace = int (*)(Handle, void*, std::size_t);
using GemmStridedBatched = int (*)(Handle, int, int, int, int, int, const void*, const void*, int, int,
                                   long long, const void*, int, int, long long, const void*, void*, int, int,
                                   long long, int, int, int);
using Gemm = int (*)(Handle, int, int, int, int, int, const void*, const void*, int, int, const void*, int,
                     int, const void*, void*, int, int, int, int);

void* open_library() {
  // Newest first; the one without a number is there where its headers are installed. It stays loaded: queues
  // come and go, and graphs hold its kernels.
  for (const char* name : {"libcublas.so.13", "libcublas.so.12", "libcublas.so.11", "libcublas.so"}) {
    if (void* const library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) return library;
  }
  return nullptr;
}

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

struct Blas::Library {
  void* library = nullptr;
  Handle handle = nullptr;
  void* workspace = nullptr;
  std::string version;
  Create create = nullptr;
  Destroy destroy = nullptr;
  GetVersion get_version = nullptr;
  SetStream set_stream = nullptr;
  SetWorkspace set_workspace = nullptr;
  Gemm gemm = nullptr;
  GemmStridedBatched batched = nullptr;

  ~Library() {
    if (handle != nullptr) (void)destroy(handle);
    if (workspace != nullptr) (void)cudaFree(workspace);
    if (library != nullptr) dlclose(library);
  }

  bool load(cudaStream_t stream) {
    library = open_library();
    if (library == nullptr || !find(library, "cublasCreate_v2", create) ||
        !find(library, "cublasDestroy_v2", destroy) || !find(library, "cublasGetVersion_v2", get_version) ||
        !find(library, "cublasSetStream_v2", set_stream) ||
        !find(library, "cublasSetWorkspace_v2", set_workspace) || !find(library, "cublasGemmEx", gemm) ||
        !find(library, "cublasGemmStridedBatchedEx", batched))
      return false;
    int number = 0;
    if (create(&handle) != 0 || get_version(handle, &number) != 0 || number < kOldestVersion) return false;
    // 13.1.1 is 130101 since version 11.
    version = fmt::format("cuBLAS {}.{}.{}", number / 10000, number / 100 % 100, number % 100);
    check(cudaMalloc(&workspace, kWorkspace), "cuBLAS's workspace");
    // The stream first: setting it takes the workspace away again.
    return set_stream(handle, stream) == 0 && set_workspace(handle, workspace, kWorkspace) == 0;
  }
};

Blas::Blas(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Blas::~Blas() = default;

std::unique_ptr<Blas> Blas::open(cudaStream_t stream) {
  auto library = std::make_unique<Library>();
  if (!library->load(stream)) return nullptr;
  return std::unique_ptr<Blas>(new Blas(std::move(library)));
}

const char* Blas::version() const { return library_->version.c_str(); }

void Blas::multiply(const BlasProduct& p) {
  if (p.m == 0 || p.n == 0 || p.batch == 0) return;
  // Rows here are columns there: c^T = op(b)^T op(a)^T.
  const auto op = [](const BlasMatrix& x) { return x.transposed ? kTransposed : kAsIs; };
  const auto size = [](std::int64_t x) { return static_cast<int>(x); };
  const int type = static_cast<int>(p.type);
  const int compute = p.tf32 && p.type == BlasType::kF32 ? kComputeTf32 : kComputeF32;
  const int c_type = static_cast<int>(p.rounded_c != nullptr ? BlasType::kBf16 : BlasType::kF32);
  void* const c = p.rounded_c != nullptr ? static_cast<void*>(p.rounded_c) : p.c;
  int status = 0;
  if (p.batch == 1) {
    status = library_->gemm(library_->handle, op(p.b), op(p.a), size(p.n), size(p.m), size(p.k), &p.alpha,
                            p.b.data, type, size(p.b.ld), p.a.data, type, size(p.a.ld), &p.beta, c, c_type,
                            size(p.ldc), compute, kDefaultAlgorithm);
  } else {
    status = library_->batched(library_->handle, op(p.b), op(p.a), size(p.n), size(p.m), size(p.k), &p.alpha,
                               p.b.data, type, size(p.b.ld), p.b.stride, p.a.data, type, size(p.a.ld),
                               p.a.stride, &p.beta, c, c_type, size(p.ldc), p.stride_c, size(p.batch),
                               compute, kDefaultAlgorithm);
  }
  LQ_CHECK(status == 0, kInternal,
           "[cuda] {} refuses a product of [{}, {}] and [{}, {}], {} times: status {}", library_->version,
           p.m, p.k, p.k, p.n, p.batch, status);
}

}  // namespace lq::backends::cuda
