// The part of cuBLAS that backends/cuda/blas.cc finds when it runs, on the processor: column by column, as
// cuBLAS has its matrices, with operands of the types and sums of the kinds that it is asked for.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#define LQ_ON_CPU __attribute__((visibility("default")))

extern "C" void* lq_cpu_card_open();
extern "C" void lq_cpu_card_close(void* opened);
extern "C" bool lq_cpu_card_record(void* stream, std::function<void()>* work);

namespace {

constexpr int kF32 = 0;
constexpr int kBf16 = 14;
constexpr int kComputeF32 = 68;
constexpr int kComputeTf32 = 77;
constexpr int kInvalid = 7;  // CUBLAS_STATUS_INVALID_VALUE

float of_bits(std::uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

std::uint16_t bf16_of(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>(bits >> 16 | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

float element(const void* data, int type, long long at, bool tf32) {
  if (type == kBf16) return of_bits(std::uint32_t{static_cast<const std::uint16_t*>(data)[at]} << 16);
  std::uint32_t bits;
  std::memcpy(&bits, static_cast<const float*>(data) + at, sizeof bits);
  // To nearest of 10 bits of mantissa.
  if (tf32 && (bits >> 23 & 255U) != 255U) bits = (bits + 0xfffU + (bits >> 13 & 1U)) & ~0x1fffU;
  return of_bits(bits);
}

// All of op(x), its k values of each row or column one after the other.
std::vector<float> runs(const void* data, int type, long long count, long long k, long long next_run,
                        long long next_value, bool tf32) {
  std::vector<float> all(static_cast<std::size_t>(count * k));
  for (long long i = 0; i < count; ++i) {
    for (long long p = 0; p < k; ++p)
      all[static_cast<std::size_t>(i * k + p)] = element(data, type, i * next_run + p * next_value, tf32);
  }
  return all;
}

double dot(const float* a, const float* b, long long k) {
  double sums[8] = {};
  long long p = 0;
  for (; p + 8 <= k; p += 8) {
    for (int l = 0; l < 8; ++l) sums[l] += double{a[p + l]} * b[p + l];
  }
  double sum = 0.0;
  for (; p < k; ++p) sum += double{a[p]} * b[p];
  for (const double part : sums) sum += part;
  return sum;
}

bool valid(int ta, int tb, int m, int n, int k, int at, int lda, int bt, int ldb, int ct, int ldc,
           int compute) {
  const bool types = at == bt && (at == kF32 || at == kBf16) && (ct == kF32 || (ct == kBf16 && at == kBf16));
  const bool sizes = m >= 0 && n >= 0 && k >= 0 && lda >= (ta == 0 ? m : k) && ldb >= (tb == 0 ? k : n) &&
                     ldc >= m && lda > 0 && ldb > 0 && ldc > 0;
  return types && sizes && ta >= 0 && ta <= 1 && tb >= 0 && tb <= 1 &&
         (compute == kComputeF32 || compute == kComputeTf32);
}

void multiply(int ta, int tb, int m, int n, int k, float alpha, const void* a, int at, int lda, const void* b,
              int bt, int ldb, float beta, void* c, int ct, int ldc, bool tf32) {
  const std::vector<float> left = runs(a, at, m, k, ta == 0 ? 1 : lda, ta == 0 ? lda : 1, tf32);
  const std::vector<float> right = runs(b, bt, n, k, tb == 0 ? ldb : 1, tb == 0 ? 1 : ldb, tf32);
  for (long long j = 0; j < n; ++j) {
    for (long long i = 0; i < m; ++i) {
      const double sum = dot(left.data() + i * k, right.data() + j * k, k);
      const long long to = i + j * ldc;
      const double before = beta == 0.0F ? 0.0 : double{beta} * element(c, ct, to, false);
      const auto value = static_cast<float>(alpha * sum + before);
      if (ct == kBf16) {
        static_cast<std::uint16_t*>(c)[to] = bf16_of(value);
      } else {
        static_cast<float*>(c)[to] = value;
      }
    }
  }
}

struct Handle {
  void* stream = nullptr;
};

struct Open {
  void* opened = lq_cpu_card_open();
  ~Open() { lq_cpu_card_close(opened); }
};

}  // namespace

extern "C" {

LQ_ON_CPU int cublasCreate_v2(void** handle) {
  *handle = new Handle;
  return 0;
}
LQ_ON_CPU int cublasDestroy_v2(void* handle) {
  delete static_cast<Handle*>(handle);
  return 0;
}
LQ_ON_CPU int cublasGetVersion_v2(void*, int* version) {
  *version = 130000;
  return 0;
}
LQ_ON_CPU int cublasSetStream_v2(void* handle, void* stream) {
  static_cast<Handle*>(handle)->stream = stream;
  return 0;
}
LQ_ON_CPU int cublasSetWorkspace_v2(void*, void*, std::size_t) { return 0; }

LQ_ON_CPU int cublasGemmStridedBatchedEx(void* handle, int ta, int tb, int m, int n, int k, const void* alpha,
                                         const void* a, int at, int lda, long long stride_a, const void* b,
                                         int bt, int ldb, long long stride_b, const void* beta, void* c,
                                         int ct, int ldc, long long stride_c, int batch, int compute,
                                         int /*algorithm*/) {
  if (!valid(ta, tb, m, n, k, at, lda, bt, ldb, ct, ldc, compute)) return kInvalid;
  // As a captured stream has them: the two numbers as they are now.
  std::function<void()> work = [=, alpha = *static_cast<const float*>(alpha),
                                beta = *static_cast<const float*>(beta)] {
    const Open open;
    const auto moved = [](const void* p, int type, long long by) {
      return static_cast<const void*>(static_cast<const char*>(p) + by * (type == kF32 ? 4 : 2));
    };
    for (long long i = 0; i < batch; ++i) {
      multiply(ta, tb, m, n, k, alpha, moved(a, at, i * stride_a), at, lda, moved(b, bt, i * stride_b), bt,
               ldb, beta, static_cast<char*>(c) + i * stride_c * (ct == kF32 ? 4 : 2), ct, ldc,
               compute == kComputeTf32);
    }
  };
  if (!lq_cpu_card_record(static_cast<Handle*>(handle)->stream, &work)) work();
  return 0;
}

LQ_ON_CPU int cublasGemmEx(void* handle, int ta, int tb, int m, int n, int k, const void* alpha,
                           const void* a, int at, int lda, const void* b, int bt, int ldb, const void* beta,
                           void* c, int ct, int ldc, int compute, int algorithm) {
  return cublasGemmStridedBatchedEx(handle, ta, tb, m, n, k, alpha, a, at, lda, 0, b, bt, ldb, 0, beta, c, ct,
                                    ldc, 0, 1, compute, algorithm);
}
}
