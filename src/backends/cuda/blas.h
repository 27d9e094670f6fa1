// cuBLAS, found when the program runs: a build needs neither its headers nor its library, and where it is not
// installed the products of product.cu and attention.cu take over. Internal to backends/cuda.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>

namespace lq::backends::cuda {

// Types of operands, as cuBLAS numbers them.
enum class BlasType : int { kF32 = 0, kF16 = 2, kBf16 = 14 };

// One matrix of a product in row-major order; `batch` of them lie `stride` elements apart.
struct BlasMatrix {
  const void* data = nullptr;
  std::int64_t ld = 0;  // elements from row to row
  std::int64_t stride = 0;
  bool transposed = false;
};

// c = alpha op(a) op(b) + beta c, f32 sums; c: [m, n] f32 (or rounded to bf16 where rounded_c is given),
// op(a): [m, k], op(b): [k, n], both of `type`.
struct BlasProduct {
  std::int64_t m = 0, n = 0, k = 0;
  BlasType type = BlasType::kF32;
  bool tf32 = false;  // f32 operands may be rounded to TF32
  BlasMatrix a, b;
  float* c = nullptr;
  std::uint16_t* rounded_c = nullptr;  // instead of c
  std::int64_t ldc = 0, stride_c = 0;
  float alpha = 1.0F, beta = 0.0F;
  std::int64_t batch = 1;
};

class Blas {
 public:
  // Null where cuBLAS 11 or later is not found. The stream outlives it.
  static std::unique_ptr<Blas> open(cudaStream_t stream);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  // Queued on the stream. The same bits in every run on one card and version. Throws Error(kInternal) that
  // names the shape where cuBLAS refuses.
  void multiply(const BlasProduct& product);
  // "cuBLAS 13.1.1".
  const char* version() const;

 private:
  struct Library;
  explicit Blas(std::unique_ptr<Library> library);
  std::unique_ptr<Library> library_;
};

}  // namespace lq::backends::cuda
