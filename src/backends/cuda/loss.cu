#include "backends/cuda/loss.h"

#include "backends/cuda/device.h"
#include "backends/cuda/launch.h"
#include "backends/cuda/loss_element.h"

namespace lq::backends::cuda {
namespace {

// The row's log-sum, in every thread.
__device__ float row_log_sum(std::int64_t cols, const float* x, SoftmaxPart* parts) {
  const int thread = static_cast<int>(threadIdx.x);
  parts[thread] = softmax_of_thread(cols, x, thread);
  __syncthreads();
  for (int half = kLossThreads / 2; half > 0; half /= 2) {
    if (thread < half) parts[thread] = merge_softmax(parts[thread], parts[thread + half]);
    __syncthreads();
  }
  const float result = log_sum(parts[0]);
  __syncthreads();
  return result;
}

__global__ void __launch_bounds__(kLossThreads)
    losses_of_rows(std::int64_t cols, const float* logits, const std::int32_t* targets, float* losses) {
  __shared__ SoftmaxPart parts[kLossThreads];
  const std::int64_t row = blockIdx.x;
  const std::int32_t target = targets[row];
  if (target < 0) {  // the whole block
    if (threadIdx.x == 0) losses[row] = 0.0F;
    return;
  }
  const float* const x = logits + row * cols;
  const float lse = row_log_sum(cols, x, parts);
  if (threadIdx.x == 0) losses[row] = lse - x[target];
}

__global__ void __launch_bounds__(kLossThreads)
    losses_and_gradients(std::int64_t cols, float* logits, const std::int32_t* targets, float scale,
                         float* losses) {
  __shared__ SoftmaxPart parts[kLossThreads];
  const std::int64_t row = blockIdx.x;
  const std::int32_t target = targets[row];
  float* const x = logits + row * cols;
  float lse = 0.0F;
  if (target >= 0) {
    lse = row_log_sum(cols, x, parts);
    if (threadIdx.x == 0) losses[row] = lse - x[target];
    __syncthreads();  // before the target's logit changes
  } else if (threadIdx.x == 0) {
    losses[row] = 0.0F;
  }
  loss_gradient_of_thread(cols, lse, target, scale, static_cast<int>(threadIdx.x), x);
}

__global__ void __launch_bounds__(kLossThreads)
    divergences(std::int64_t cols, const float* p, const float* q, float* out) {
  __shared__ SoftmaxPart parts[kLossThreads];
  __shared__ double sums[kLossThreads];
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t row = blockIdx.x;
  const float p_lse = row_log_sum(cols, p + row * cols, parts);
  const float q_lse = row_log_sum(cols, q + row * cols, parts);
  sums[thread] = divergence_of_thread(cols, p + row * cols, p_lse, q + row * cols, q_lse, thread);
  __syncthreads();
  for (int half = kLossThreads / 2; half > 0; half /= 2) {
    if (thread < half) sums[thread] += sums[thread + half];
    __syncthreads();
  }
  if (thread == 0) out[row] = static_cast<float>(sums[0]);
}

__global__ void __launch_bounds__(kLossThreads)
    divergences_and_gradients(std::int64_t cols, const float* p, float* q, const std::int32_t* targets,
                              float scale, float* losses) {
  __shared__ SoftmaxPart parts[kLossThreads];
  __shared__ double sums[kLossThreads];
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t row = blockIdx.x;
  const float* const theirs = p + row * cols;
  float* const ours = q + row * cols;
  if (targets[row] < 0) {  // the whole block
    if (thread == 0) losses[row] = 0.0F;
    for (std::int64_t i = thread; i < cols; i += kLossThreads) ours[i] = 0.0F;
    return;
  }
  const float p_lse = row_log_sum(cols, theirs, parts);
  const float q_lse = row_log_sum(cols, ours, parts);
  sums[thread] = divergence_of_thread(cols, theirs, p_lse, ours, q_lse, thread);
  __syncthreads();
  for (int half = kLossThreads / 2; half > 0; half /= 2) {
    if (thread < half) sums[thread] += sums[thread + half];
    __syncthreads();
  }
  if (thread == 0) losses[row] = static_cast<float>(sums[0]);
  divergence_gradient_of_thread(cols, theirs, p_lse, q_lse, scale, thread, ours);
}

}  // namespace

void cross_entropy_forward(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* logits,
                           const std::int32_t* targets, float* losses) {
  if (rows == 0) return;
  const std::int32_t* const where = upload_all(queue, targets, rows);
  auto* const on_device = buffer_of<float>(queue, Buffer::kPartial, rows);
  losses_of_rows<<<static_cast<unsigned>(rows), kLossThreads, 0, use(queue)>>>(cols, logits, where,
                                                                               on_device);
  check(cudaGetLastError(), "cross_entropy_forward");
  deliver(queue, on_device, static_cast<std::size_t>(rows) * sizeof(float), losses);
}

void cross_entropy_forward_backward(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, float* logits,
                                    const std::int32_t* targets, float scale, float* losses) {
  if (rows == 0) return;
  const std::int32_t* const where = upload_all(queue, targets, rows);
  auto* const on_device = buffer_of<float>(queue, Buffer::kPartial, rows);
  losses_and_gradients<<<static_cast<unsigned>(rows), kLossThreads, 0, use(queue)>>>(cols, logits, where,
                                                                                     scale, on_device);
  check(cudaGetLastError(), "cross_entropy_forward_backward");
  deliver(queue, on_device, static_cast<std::size_t>(rows) * sizeof(float), losses);
}

void kl_divergence(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* p, const float* q,
                   float* out) {
  if (rows == 0) return;
  auto* const on_device = buffer_of<float>(queue, Buffer::kPartial, rows);
  divergences<<<static_cast<unsigned>(rows), kLossThreads, 0, use(queue)>>>(cols, p, q, on_device);
  check(cudaGetLastError(), "kl_divergence");
  deliver(queue, on_device, static_cast<std::size_t>(rows) * sizeof(float), out);
}

void kl_divergence_backward(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* p,
                            float* q, const std::int32_t* targets, float scale, float* losses) {
  if (rows == 0) return;
  const std::int32_t* const where = upload_all(queue, targets, rows);
  auto* const on_device = buffer_of<float>(queue, Buffer::kPartial, rows);
  divergences_and_gradients<<<static_cast<unsigned>(rows), kLossThreads, 0, use(queue)>>>(cols, p, q, where,
                                                                                          scale, on_device);
  check(cudaGetLastError(), "kl_divergence_backward");
  deliver(queue, on_device, static_cast<std::size_t>(rows) * sizeof(float), losses);
}

}  // namespace lq::backends::cuda
