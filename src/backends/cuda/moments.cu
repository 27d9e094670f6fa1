#include "backends/cuda/moments.h"

#include "backends/cuda/launch.h"
#include "backends/cuda/moment_element.h"

namespace lq::backends::cuda {
namespace {

// The sum over the block, in every thread; all threads must come here.
__device__ double sum_of_block(double mine, double* sums) {
  const int thread = static_cast<int>(threadIdx.x);
  sums[thread] = mine;
  __syncthreads();
  for (int half = kMomentThreads / 2; half > 0; half /= 2) {
    if (thread < half) sums[thread] += sums[thread + half];
    __syncthreads();
  }
  return sums[0];
}

__global__ void __launch_bounds__(kMomentThreads)
    squares_of_rows(std::int64_t cols, const float* g, double* row_sums) {
  __shared__ double sums[kMomentThreads];
  const std::int64_t row = blockIdx.x;
  const double sum =
      sum_of_block(row_squares_of_thread(cols, g + row * cols, static_cast<int>(threadIdx.x)), sums);
  if (threadIdx.x == 0) row_sums[row] += sum;
}

__global__ void __launch_bounds__(kLanes* kMomentShares)
    squares_of_columns(std::int64_t rows, std::int64_t cols, const float* g, double* col_sums) {
  __shared__ double shares[kMomentShares][kLanes];
  const std::int64_t col = std::int64_t{blockIdx.x} * kLanes + threadIdx.x;
  if (col < cols) {
    shares[threadIdx.y][threadIdx.x] =
        column_squares_share(rows, cols, g, col, static_cast<int>(threadIdx.y));
  }
  __syncthreads();
  if (col >= cols || threadIdx.y != 0) return;
  double sum = 0.0;
  for (int s = 0; s < kMomentShares; ++s) sum += shares[s][threadIdx.x];
  col_sums[col] += sum;
}

__global__ void __launch_bounds__(kMomentThreads)
    scale_rows_by_norms(std::int64_t cols, const float* x, std::int64_t g_cols, const float* g, float* out) {
  __shared__ double sums[kMomentThreads];
  const std::int64_t row = blockIdx.x;
  const int thread = static_cast<int>(threadIdx.x);
  const double squares = sum_of_block(row_squares_of_thread(g_cols, g + row * g_cols, thread), sums);
  scale_by_norm_of_thread(cols, x + row * cols, squares, thread, out + row * cols);
}

}  // namespace

void add_triangle(DeviceQueue& queue, std::int64_t n, std::int64_t tile, std::int64_t first,
                  std::int64_t rows, std::int64_t width, const float* product, double* sums) {
  for_each(queue, "a symmetric sum", rows * width, AddTriangle{n, tile, first, width, product, sums});
}

void add_squared(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* g, double* row_sums,
                 double* col_sums, double* all) {
  if (rows == 0 || cols == 0) return;
  const cudaStream_t stream = use(queue);
  squares_of_rows<<<static_cast<unsigned>(rows), kMomentThreads, 0, stream>>>(cols, g, row_sums);
  const auto grid = static_cast<unsigned>((cols + kLanes - 1) / kLanes);
  squares_of_columns<<<grid, dim3(kLanes, kMomentShares), 0, stream>>>(rows, cols, g, col_sums);
  check(cudaGetLastError(), "a sum of squared gradients");
  if (all != nullptr) for_each(queue, "a sum of squared gradients", rows * cols, AddSquares{g, all});
}

void scale_by_norms(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* x,
                    std::int64_t g_cols, const float* g, float* out) {
  if (rows == 0) return;
  scale_rows_by_norms<<<static_cast<unsigned>(rows), kMomentThreads, 0, use(queue)>>>(cols, x, g_cols, g,
                                                                                      out);
  check(cudaGetLastError(), "rows by the norms of others");
}

}  // namespace lq::backends::cuda
