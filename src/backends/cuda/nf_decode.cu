#include "backends/cuda/nf_decode.h"

#include "backends/cuda/nf_element.h"
#include "backends/cuda/queue.h"

namespace lq::backends::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 1 << 16;

// Thread t decodes elements 4 t .. 4 t + 3, then those a whole grid further on: a warp writes 512 bytes in a
// row.
__global__ void __launch_bounds__(kThreads) decode(NfView view, float* out) {
  __shared__ float values[256];
  for (unsigned k = threadIdx.x; k < 1U << view.format.bits; k += kThreads) values[k] = view.codebook[k];
  __syncthreads();
  const std::int64_t n = view.rows * view.cols;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads * kNfPerThread;
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  for (std::int64_t first = thread * kNfPerThread; first < n; first += stride) {
    decode_some(view, values, first, out);
  }
}

}  // namespace

void nf_dequantize(DeviceQueue& queue, const NfView& view, float* out) {
  const cudaStream_t stream = use(queue);
  const std::int64_t per_block = std::int64_t{kThreads} * kNfPerThread;
  const std::int64_t blocks = (view.rows * view.cols + per_block - 1) / per_block;
  decode<<<static_cast<unsigned>(blocks < kMaxBlocks ? blocks : kMaxBlocks), kThreads, 0, stream>>>(view,
                                                                                                    out);
  check(cudaGetLastError(), "nf_dequantize");
}

}  // namespace lq::backends::cuda
