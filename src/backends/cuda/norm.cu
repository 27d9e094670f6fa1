#include "backends/cuda/norm.h"

#include "backends/cuda/launch.h"
#include "backends/cuda/norm_element.h"

namespace lq::backends::cuda {
namespace {

constexpr int kRows = 8;  // of one block: a warp each

__global__ void __launch_bounds__(kLanes* kRows) forward(std::int64_t rows, std::int64_t cols, const float* x,
                                                         const float* w, float eps, float* y, float* rstd) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kRows + threadIdx.y;
  if (row >= rows) return;  // the whole warp
  const int lane = static_cast<int>(threadIdx.x);
  const float squares = warp_sum(squares_of_lane(cols, x + row * cols, lane));
  const float scale = rstd_of(squares, cols, eps);
  if (lane == 0) rstd[row] = scale;
  normalize_lane(cols, x + row * cols, w, scale, y + row * cols, lane);
}

__global__ void __launch_bounds__(kLanes* kRows)
    input_gradient(std::int64_t rows, std::int64_t cols, const float* x, const float* w, const float* rstd,
                   const float* dy, float* dx) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kRows + threadIdx.y;
  if (row >= rows) return;  // the whole warp
  const int lane = static_cast<int>(threadIdx.x);
  const std::int64_t at = row * cols;
  const float products = warp_sum(products_of_lane(cols, dy + at, w, x + at, lane));
  norm_gradient_of_lane(cols, x + at, w, rstd[row], products, dy + at, dx + at, lane);
}

__global__ void __launch_bounds__(kLanes* kRowShares)
    weight_gradient(std::int64_t rows, std::int64_t cols, const float* x, const float* rstd, const float* dy,
                    float* dw) {
  __shared__ float shares[kRowShares][kLanes];
  const std::int64_t col = std::int64_t{blockIdx.x} * kLanes + threadIdx.x;
  if (col < cols) {
    shares[threadIdx.y][threadIdx.x] =
        weight_gradient_share(rows, cols, x, rstd, dy, col, static_cast<int>(threadIdx.y));
  }
  __syncthreads();
  if (col < cols && threadIdx.y == 0) add_weight_gradient(&shares[0][threadIdx.x], kLanes, col, dw);
}

unsigned blocks(std::int64_t count, int each) { return static_cast<unsigned>((count + each - 1) / each); }

}  // namespace

void rms_norm_forward(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* x,
                      const float* w, float eps, float* y, float* rstd) {
  if (rows == 0) return;
  const cudaStream_t stream = use(queue);
  forward<<<blocks(rows, kRows), dim3(kLanes, kRows), 0, stream>>>(rows, cols, x, w, eps, y, rstd);
  check(cudaGetLastError(), "rms_norm_forward");
}

void rms_norm_backward(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* x,
                       const float* w, const float* rstd, const float* dy, float* dx, float* dw) {
  if (rows == 0) return;
  const cudaStream_t stream = use(queue);
  input_gradient<<<blocks(rows, kRows), dim3(kLanes, kRows), 0, stream>>>(rows, cols, x, w, rstd, dy, dx);
  if (dw != nullptr) {
    weight_gradient<<<blocks(cols, kLanes), dim3(kLanes, kRowShares), 0, stream>>>(rows, cols, x, rstd, dy,
                                                                                   dw);
  }
  check(cudaGetLastError(), "rms_norm_backward");
}

}  // namespace lq::backends::cuda
