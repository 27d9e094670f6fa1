#include "backends/cuda/quantize.h"

#include "backends/cuda/device.h"
#include "backends/cuda/launch.h"

namespace lq::backends::cuda {
namespace {

constexpr int kMaxThreads = 256;     // that take largest magnitudes
constexpr int kSearchThreads = 128;  // that search, a block of weights each
constexpr unsigned kMostParts = 1024;

// The scales of one quantization on their way.
struct BlockTargets {
  std::int64_t blocks = 0;
  float* target = nullptr;    // [blocks]
  float* scale2 = nullptr;    // [groups], as stored
  float* smallest = nullptr;  // [parts]: of the targets of each block of threads
  unsigned parts = 0;
  float* offset = nullptr;  // [1]
};

// All threads of a block of `threads` must come here; in every thread, the smallest of all.
__device__ float smallest_of_block(float mine, int threads, float* shared) {
  const int thread = static_cast<int>(threadIdx.x);
  shared[thread] = mine;
  __syncthreads();
  for (int half = threads / 2; half > 0; half /= 2) {
    if (thread < half && shared[thread + half] < shared[thread]) shared[thread] = shared[thread + half];
    __syncthreads();
  }
  const float smallest = shared[0];
  __syncthreads();
  return smallest;
}

__device__ void share_book(const SharedBook* from, int bits, int threads, SharedBook& book) {
  for (int k = static_cast<int>(threadIdx.x); k < 1 << bits; k += threads) {
    book.values[k] = from->values[k];
    book.midpoints[k] = from->midpoints[k];
  }
  __syncthreads();
}

// A run a thread; the 4, 8 or 16 threads of a block of weights are lanes of one warp.
__global__ void __launch_bounds__(kMaxThreads)
    largest_of_blocks(std::int64_t n, int block, const float* w, BlockTargets to) {
  __shared__ float shared[kMaxThreads];
  const int lanes = block / kMaxRun;
  const int thread = static_cast<int>(threadIdx.x);
  float smallest = kLargestFloat;
  const std::int64_t stride = std::int64_t{gridDim.x} * kMaxThreads * kMaxRun;
  for (std::int64_t first = std::int64_t{blockIdx.x} * kMaxThreads * kMaxRun; first < n; first += stride) {
    const std::int64_t begin = first + std::int64_t{thread} * kMaxRun;
    float largest = 0.0F;
    if (begin + kMaxRun <= n) {
      const float4 run = *reinterpret_cast<const float4*>(w + begin);
      const float values[kMaxRun] = {run.x, run.y, run.z, run.w};
      largest = largest_of_run(values, 0, kMaxRun);
    } else if (begin < n) {
      largest = largest_of_run(w, begin, n);
    }
    for (int offset = lanes / 2; offset > 0; offset /= 2) {
      const float other = __shfl_xor_sync(0xffffffffU, largest, offset);
      if (largest < other) largest = other;
    }
    if (begin < n && begin % block == 0) {
      to.target[begin / block] = largest;
      if (largest < smallest) smallest = largest;
    }
  }
  smallest = smallest_of_block(smallest, kMaxThreads, shared);
  if (thread == 0) to.smallest[blockIdx.x] = smallest;
}

__global__ void __launch_bounds__(kSearchThreads)
    search_targets(ScaleSearch search, const SharedBook* from, BlockTargets to) {
  __shared__ SharedBook book;
  __shared__ float shared[kSearchThreads];
  share_book(from, search.format.bits, kSearchThreads, book);
  float smallest = kLargestFloat;
  const std::int64_t stride = std::int64_t{gridDim.x} * kSearchThreads;
  for (std::int64_t j = std::int64_t{blockIdx.x} * kSearchThreads + threadIdx.x; j < to.blocks; j += stride) {
    const float target = searched_target(search, book, j);
    to.target[j] = target;
    if (target < smallest) smallest = target;
  }
  smallest = smallest_of_block(smallest, kSearchThreads, shared);
  if (threadIdx.x == 0) to.smallest[blockIdx.x] = smallest;
}

// Both levels: a thread a block of weights, a block of threads a unit.
__global__ void __launch_bounds__(kUnitBlocks)
    restore_scales(NfFormat format, BlockTargets to, float* scales) {
  __shared__ float shared[kUnitBlocks];
  const int thread = static_cast<int>(threadIdx.x);
  float mine = kLargestFloat;
  for (unsigned part = threadIdx.x; part < to.parts; part += kUnitBlocks) {
    if (to.smallest[part] < mine) mine = to.smallest[part];
  }
  const float offset = smallest_of_block(mine, kUnitBlocks, shared);
  const std::int64_t block = std::int64_t{blockIdx.x} * kUnitBlocks + thread;
  const float target = block < to.blocks ? to.target[block] : offset;
  shared[thread] = target - offset;
  __syncthreads();
  for (int step = 1; step < format.block2; step *= 2) {
    if (thread % (2 * step) == 0 && shared[thread] < shared[thread + step])
      shared[thread] = shared[thread + step];
    __syncthreads();
  }
  if (block >= to.blocks) return;
  const float scale2 = stored_scale2(shared[thread / format.block2 * format.block2], format.scale2);
  const int code = nearest_scale_code(target, offset, scale2, format.scale_bits);
  scales[block] = scale_of_code(code, offset, scale2, format.scale_bits);
  if (thread % format.block2 == 0) to.scale2[block / format.block2] = scale2;
  if (block == 0) *to.offset = offset;
}

__global__ void __launch_bounds__(kSearchThreads)
    search_scales(ScaleSearch search, const SharedBook* from, BlockTargets to, float* scales) {
  __shared__ SharedBook book;
  share_book(from, search.format.bits, kSearchThreads, book);
  const float offset = *to.offset;
  const std::int64_t stride = std::int64_t{gridDim.x} * kSearchThreads;
  for (std::int64_t j = std::int64_t{blockIdx.x} * kSearchThreads + threadIdx.x; j < to.blocks; j += stride) {
    scales[j] = searched_scale(search, book, j, to.target[j], offset, to.scale2[j / search.format.block2]);
  }
}

// sums[0] = the sum over the block of threads; all must come here.
__device__ void add_threads(double mine, double* sums) {
  const int thread = static_cast<int>(threadIdx.x);
  sums[thread] = mine;
  __syncthreads();
  for (int half = kResidualThreads / 2; half > 0; half /= 2) {
    if (thread < half) sums[thread] += sums[thread + half];
    __syncthreads();
  }
}

// parts: [2, gridDim.x].
__global__ void __launch_bounds__(kResidualThreads)
    residual_tiles(ResidualElements elements, const SharedBook* from, double* parts) {
  __shared__ SharedBook book;
  __shared__ double sums[kResidualThreads];
  if (from != nullptr) share_book(from, elements.bits, kResidualThreads, book);
  ResidualSums mine;
  const std::int64_t stride = std::int64_t{gridDim.x} * kResidualTile;
  for (std::int64_t begin = std::int64_t{blockIdx.x} * kResidualTile; begin < elements.n; begin += stride)
    residual_of_thread(elements, book, begin, static_cast<int>(threadIdx.x), mine);
  add_threads(mine.squared, sums);
  if (threadIdx.x == 0) parts[blockIdx.x] = sums[0];
  __syncthreads();
  add_threads(mine.weighted, sums);
  if (threadIdx.x == 0) parts[gridDim.x + blockIdx.x] = sums[0];
}

__global__ void __launch_bounds__(kResidualThreads)
    product_tiles(std::int64_t n, const float* x, const float* y, double* parts) {
  __shared__ double sums[kResidualThreads];
  double mine = 0.0;
  const std::int64_t stride = std::int64_t{gridDim.x} * kResidualTile;
  for (std::int64_t begin = std::int64_t{blockIdx.x} * kResidualTile; begin < n; begin += stride)
    products_of_thread(n, x, y, begin, static_cast<int>(threadIdx.x), mine);
  add_threads(mine, sums);
  if (threadIdx.x == 0) parts[blockIdx.x] = sums[0];
}

// Block b adds parts [b * count, (b + 1) * count) to out[b].
__global__ void __launch_bounds__(kResidualThreads)
    add_residual_parts(int count, const double* parts, double* out) {
  __shared__ double sums[kResidualThreads];
  double mine = 0.0;
  for (int i = static_cast<int>(threadIdx.x); i < count; i += kResidualThreads)
    mine += parts[static_cast<int>(blockIdx.x) * count + i];
  add_threads(mine, sums);
  if (threadIdx.x == 0) out[blockIdx.x] = sums[0];
}

unsigned parts_for(std::int64_t count, std::int64_t each) {
  const std::int64_t wanted = (count + each - 1) / each;
  return static_cast<unsigned>(wanted < kMostParts ? wanted : kMostParts);
}

const SharedBook* upload_book(DeviceQueue& queue, const NfCodebook& book) {
  SharedBook shared = {};
  for (int k = 0; k < 1 << book.bits; ++k) shared.values[k] = book.values[k];
  for (int k = 0; k + 1 < 1 << book.bits; ++k) shared.midpoints[k] = book.midpoints[k];
  return upload_all(queue, &shared, 1);
}

ResidualSums add_up(DeviceQueue& queue, const ResidualElements& elements, const SharedBook* book) {
  ResidualSums sums;
  if (elements.n == 0) return sums;
  const unsigned grid = parts_for(elements.n, kResidualTile);
  // The parts, then the results.
  auto* const parts = buffer_of<double>(queue, Buffer::kPartial, 2 * std::int64_t{kMostParts} + 2);
  double* const out = parts + 2 * std::int64_t{kMostParts};
  const cudaStream_t stream = use(queue);
  residual_tiles<<<grid, kResidualThreads, 0, stream>>>(elements, book, parts);
  add_residual_parts<<<2, kResidualThreads, 0, stream>>>(static_cast<int>(grid), parts, out);
  check(cudaGetLastError(), "a residual");
  double both[2];
  copy_to_host(queue, out, sizeof both, both);
  sums.squared = both[0];
  sums.weighted = both[1];
  return sums;
}

ResidualElements elements_of(std::int64_t rows, std::int64_t cols, const float* w, const float* q,
                             const float* row_scale, const float* col_scale, float* out) {
  ResidualElements e;
  e.n = rows * cols;
  e.cols = cols;
  e.w = w;
  e.q = q;
  e.row_scale = row_scale;
  e.col_scale = col_scale;
  e.out = out;
  return e;
}

}  // namespace

void block_scales(DeviceQueue& queue, const CodebookRounding& rounding, const RoundingWeights& weights,
                  std::int64_t rows, std::int64_t cols, const float* target, float* scales) {
  const NfFormat& format = rounding.format;
  const std::int64_t n = rows * cols;
  BlockTargets to;
  to.blocks = (n + format.block - 1) / format.block;
  const std::int64_t groups = (to.blocks + format.block2 - 1) / format.block2;
  to.target = buffer_of<float>(queue, Buffer::kBlocks, to.blocks + groups + kMostParts + 1);
  to.scale2 = to.target + to.blocks;
  to.smallest = to.scale2 + groups;
  to.offset = to.smallest + kMostParts;
  const cudaStream_t stream = use(queue);
  const auto units = static_cast<unsigned>((to.blocks + kUnitBlocks - 1) / kUnitBlocks);
  if (!rounding.search) {
    to.parts = parts_for(n, std::int64_t{kMaxThreads} * kMaxRun);
    largest_of_blocks<<<to.parts, kMaxThreads, 0, stream>>>(n, format.block, target, to);
    restore_scales<<<units, kUnitBlocks, 0, stream>>>(format, to, scales);
    check(cudaGetLastError(), "scales of blocks");
    return;
  }
  ScaleSearch search;
  search.format = format;
  search.n = n;
  search.row_length = cols;
  search.w = target;
  search.row_weights = weights.rows;
  search.col_weights = weights.cols;
  const SharedBook* const book = upload_book(queue, *rounding.book);
  to.parts = parts_for(to.blocks, kSearchThreads);
  search_targets<<<to.parts, kSearchThreads, 0, stream>>>(search, book, to);
  restore_scales<<<units, kUnitBlocks, 0, stream>>>(format, to, scales);
  search_scales<<<parts_for(to.blocks, kSearchThreads), kSearchThreads, 0, stream>>>(search, book, to,
                                                                                     scales);
  check(cudaGetLastError(), "a search for scales");
}

ResidualSums rounded_residual(DeviceQueue& queue, const CodebookRounding& rounding, std::int64_t rows,
                              std::int64_t cols, const float* w, const float* target, const float* scales,
                              const float* row_scale, const float* col_scale, float* out) {
  ResidualElements e = elements_of(rows, cols, w, target, row_scale, col_scale, out);
  e.scales = scales;
  e.bits = rounding.format.bits;
  e.block = rounding.format.block;
  return add_up(queue, e, upload_book(queue, *rounding.book));
}

ResidualSums residual(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* w,
                      const float* q, const float* row_scale, const float* col_scale, float* out) {
  return add_up(queue, elements_of(rows, cols, w, q, row_scale, col_scale, out), nullptr);
}

double sum_of_products(DeviceQueue& queue, std::int64_t n, const float* x, const float* y) {
  if (n == 0) return 0.0;
  const unsigned grid = parts_for(n, kResidualTile);
  auto* const parts = buffer_of<double>(queue, Buffer::kPartial, std::int64_t{kMostParts} + 1);
  const cudaStream_t stream = use(queue);
  product_tiles<<<grid, kResidualThreads, 0, stream>>>(n, x, y, parts);
  add_residual_parts<<<1, kResidualThreads, 0, stream>>>(static_cast<int>(grid), parts, parts + kMostParts);
  check(cudaGetLastError(), "a sum of products");
  double sum = 0.0;
  copy_to_host(queue, parts + kMostParts, sizeof sum, &sum);
  return sum;
}

}  // namespace lq::backends::cuda
