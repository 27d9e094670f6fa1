#include "backends/cuda/product.h"

#include "backends/cuda/blas.h"
#include "backends/cuda/queue.h"
#include "backends/cuda/weights.h"

namespace lq::backends::cuda {
namespace {

constexpr int kDecodeThreads = 256;
constexpr int kRun = 4;  // elements of a thread: a warp writes 512 bytes in a row
constexpr std::int64_t kMaxBlocks = 1 << 16;
constexpr unsigned kMaxTileRows = 65535;  // of a grid's second side

// The codebook, for all threads of a block. A barrier must follow.
__device__ void share_codebook(const PackedView& w, int threads, float* values) {
  for (int k = static_cast<int>(threadIdx.x); k < codebook_size(w); k += threads)
    values[k] = w.codebook.codebook[k];
}

__global__ void __launch_bounds__(kThreads) multiply_tile(Product q) {
  __shared__ float codebook[256];
  __shared__ ProductTile tile;
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t col = std::int64_t{blockIdx.x} * kSide;
  share_codebook(q.b, kThreads, codebook);
  __syncthreads();
  for (std::int64_t row = std::int64_t{blockIdx.y} * kSide; row < q.m;
       row += std::int64_t{gridDim.y} * kSide) {
    ProductSums sums = {};
    for (std::int64_t p = 0; p < q.k; p += kDepth) {
      load_tiles(q, codebook, row, col, p, thread, tile);
      __syncthreads();
      multiply_tiles(tile, static_cast<int>(q.k - p < kDepth ? q.k - p : kDepth), thread, sums);
      __syncthreads();
    }
    store_tile(q, row, col, thread, sums);
  }
}

// Each thread decodes the part within [begin, end) of whole runs of kRun, which cross no block of scales.
__global__ void __launch_bounds__(kDecodeThreads)
    decode(PackedView w, std::int64_t begin, std::int64_t end, float* out) {
  __shared__ float codebook[256];
  share_codebook(w, kDecodeThreads, codebook);
  __syncthreads();
  const std::int64_t stride = std::int64_t{gridDim.x} * kDecodeThreads * kRun;
  const std::int64_t thread = std::int64_t{blockIdx.x} * kDecodeThreads + threadIdx.x;
  for (std::int64_t at = begin / kRun * kRun + thread * kRun; at < end; at += stride) {
    const std::int64_t from = at < begin ? begin : at;
    const std::int64_t to = at + kRun < end ? at + kRun : end;
    decode_run(w, codebook, from, static_cast<int>(to - from), out + (from - begin));
  }
}

void multiply_by_tiles(DeviceQueue& queue, const Product& product) {
  const auto tiles = [](std::int64_t extent) { return (extent + kSide - 1) / kSide; };
  const std::int64_t rows = tiles(product.m);
  const dim3 grid(static_cast<unsigned>(tiles(product.n)),
                  rows < kMaxTileRows ? static_cast<unsigned>(rows) : kMaxTileRows);
  multiply_tile<<<grid, kThreads, 0, use(queue)>>>(product);
  check(cudaGetLastError(), "a product");
}

void multiply_by_blas(DeviceQueue& queue, const Product& p) {
  const bool bf16 = p.precision == Precision::kBf16 && queue.has_bf16();
  BlasProduct q;
  q.m = p.m;
  q.n = p.n;
  q.k = p.k;
  q.type = bf16 ? BlasType::kBf16 : BlasType::kF32;
  q.tf32 = p.precision != Precision::kF32;
  q.a.data = p.a;
  if (bf16) {
    auto* const a = buffer_of<std::uint16_t>(queue, Buffer::kLeft, p.m * p.k);
    narrow(queue, p.m * p.k, p.a, a);
    q.a.data = a;
  }
  q.a.ld = stride_a(p);
  q.a.transposed = p.trans_a;
  q.b.data = bf16 ? static_cast<const void*>(weight_bf16(queue, p.b)) : weight_f32(queue, p.b);
  q.b.ld = stride_b(p);
  q.b.transposed = p.trans_b;
  q.c = p.c;
  q.ldc = stride_c(p);
  q.alpha = p.alpha;
  q.beta = p.beta;
  queue.blas->multiply(q);
}

}  // namespace

void multiply(DeviceQueue& queue, const Product& p) {
  if (p.m == 0 || p.n == 0) return;
  if (queue.blas == nullptr || p.k == 0 || p.m * p.n * p.k < kSmallProduct)
    return multiply_by_tiles(queue, p);
  multiply_by_blas(queue, p);
}

void packed_decode(DeviceQueue& queue, const PackedView& w, std::int64_t begin, std::int64_t count,
                   float* out) {
  if (count == 0) return;
  const std::int64_t per_block = std::int64_t{kDecodeThreads} * kRun;
  const std::int64_t blocks = (count + kRun + per_block - 1) / per_block;
  decode<<<static_cast<unsigned>(blocks < kMaxBlocks ? blocks : kMaxBlocks), kDecodeThreads, 0, use(queue)>>>(
      w, begin, begin + count, out);
  check(cudaGetLastError(), "decoding a weight");
}

}  // namespace lq::backends::cuda
