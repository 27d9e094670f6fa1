#include "backends/cuda/optimizer.h"

#include <vector>

#include "backends/cuda/device.h"
#include "backends/cuda/launch.h"
#include "backends/cuda/optimizer_element.h"

namespace lq::backends::cuda {
namespace {

static_assert(kMomentBlock == 256, "a thread an element");

struct Tables {
  MomentTable with_sign, without_sign;
};

// values[0] = the largest of them; all threads must come here.
__device__ float largest_of_block(float value, float* values) {
  const int thread = static_cast<int>(threadIdx.x);
  values[thread] = fabsf(value);
  __syncthreads();
  for (int half = static_cast<int>(kMomentBlock) / 2; half > 0; half /= 2) {
    if (thread < half && values[thread] < values[thread + half]) values[thread] = values[thread + half];
    __syncthreads();
  }
  const float largest = values[0];
  __syncthreads();
  return largest;
}

__global__ void __launch_bounds__(kMomentBlock)
    step_blocks(StepRates rates, std::int64_t n, const float* grad, float* w, PackedMoments moments,
                const Tables* from) {
  __shared__ Tables tables;
  __shared__ float values[kMomentBlock];
  const int thread = static_cast<int>(threadIdx.x);
  constexpr int kWords = sizeof(Tables) / sizeof(float);
  for (int i = thread; i < kWords; i += static_cast<int>(kMomentBlock))
    reinterpret_cast<float*>(&tables)[i] = reinterpret_cast<const float*>(from)[i];
  __syncthreads();
  const std::int64_t blocks = (n + kMomentBlock - 1) / kMomentBlock;
  for (std::int64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
    const std::int64_t i = block * kMomentBlock + thread;
    MomentPair p = {0.0F, 0.0F};
    if (i < n) {
      p = step_packed(rates.get(), tables.with_sign, tables.without_sign, moments.m[i], moments.v[i],
                      moments.m_scale[block], moments.v_scale[block], grad[i], w[i]);
    }
    const float m_scale = largest_of_block(p.m, values);
    const float v_scale = largest_of_block(p.v, values);
    if (i < n) {
      moments.m[i] = moment_code(tables.with_sign, p.m * moment_inverse(m_scale));
      moments.v[i] = moment_code(tables.without_sign, p.v * moment_inverse(v_scale));
    }
    if (thread == 0) {
      moments.m_scale[block] = m_scale;
      moments.v_scale[block] = v_scale;
    }
  }
}

// sums[0] = the sum over the block; all threads must come here.
__device__ void add_block(double mine, double* sums) {
  const int thread = static_cast<int>(threadIdx.x);
  sums[thread] = mine;
  __syncthreads();
  for (int half = kSumThreads / 2; half > 0; half /= 2) {
    if (thread < half) sums[thread] += sums[thread + half];
    __syncthreads();
  }
}

__global__ void __launch_bounds__(kSumThreads)
    squares_of_blocks(std::int64_t n, const float* x, double* out) {
  __shared__ double sums[kSumThreads];
  const std::int64_t begin = std::int64_t{blockIdx.x} * kSumBlock;
  const std::int64_t count = n - begin < kSumBlock ? n - begin : kSumBlock;
  add_block(squares_of_thread(count, x + begin, static_cast<int>(threadIdx.x)), sums);
  if (threadIdx.x == 0) out[blockIdx.x] = sums[0];
}

// Block b adds the partial sums [begins[b], begins[b + 1]).
__global__ void __launch_bounds__(kSumThreads)
    sums_of_parts(const std::int64_t* begins, const double* parts, double* out) {
  __shared__ double sums[kSumThreads];
  const std::int64_t begin = begins[blockIdx.x];
  const std::int64_t count = begins[blockIdx.x + 1] - begin;
  add_block(sums_of_thread(count, parts + begin, static_cast<int>(threadIdx.x)), sums);
  if (threadIdx.x == 0) out[blockIdx.x] = sums[0];
}

// Every thread that finds one writes the same.
struct FindNotFinite {
  const float* x;
  int* found;
  __device__ void operator()(std::int64_t i) const {
    if (!is_finite(x[i])) *found = 1;
  }
};

StepRates rates_of(const DeviceQueue& queue, const AdamWRates& rates) {
  return {rates, static_cast<const AdamWRates*>(staged(queue, &rates, sizeof rates))};
}

std::int64_t parts_of(std::int64_t count) { return (count + kSumBlock - 1) / kSumBlock; }

}  // namespace

void adamw_step(DeviceQueue& queue, const AdamWRates& rates, std::int64_t n, const float* grad, float* w,
                float* m, float* v) {
  for_each(queue, "adamw", n, AdamWStep{rates_of(queue, rates), grad, w, m, v});
}

void adamw_step(DeviceQueue& queue, const AdamWRates& rates, std::int64_t n, const float* grad, float* w,
                const PackedMoments& moments, const MomentTable& signed_table,
                const MomentTable& unsigned_table) {
  if (n == 0) return;
  const Tables tables = {signed_table, unsigned_table};
  const Tables* const on_device = upload_constants(queue, &tables, 1);
  const unsigned grid = grid_of(n, kMomentBlock);
  step_blocks<<<grid, kMomentBlock, 0, use(queue)>>>(rates_of(queue, rates), n, grad, w, moments, on_device);
  check(cudaGetLastError(), "adamw");
}

void squared_norms(DeviceQueue& queue, const FloatRun* runs, std::int64_t count, double* sums) {
  if (count == 0) return;
  std::int64_t parts = 0;
  for (std::int64_t i = 0; i < count; ++i) parts += parts_of(runs[i].count);
  // Partial sums, then the results.
  auto* const out = buffer_of<double>(queue, Buffer::kPartial, parts + count);
  std::vector<std::int64_t> begins(static_cast<std::size_t>(count + 1));
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    begins[static_cast<std::size_t>(i)] = at;
    at += parts_of(runs[i].count);
  }
  begins.back() = at;
  const std::int64_t* const on_device = upload_constants(queue, begins.data(), count + 1);
  const cudaStream_t stream = use(queue);
  at = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t blocks = parts_of(runs[i].count);
    if (blocks == 0) continue;
    squares_of_blocks<<<static_cast<unsigned>(blocks), kSumThreads, 0, stream>>>(runs[i].count, runs[i].data,
                                                                                 out + at);
    at += blocks;
  }
  sums_of_parts<<<static_cast<unsigned>(count), kSumThreads, 0, stream>>>(on_device, out, out + parts);
  check(cudaGetLastError(), "squared_norm");
  deliver(queue, out + parts, static_cast<std::size_t>(count) * sizeof(double), sums);
}

bool all_finite(DeviceQueue& queue, std::int64_t n, const float* x) {
  auto* const found = buffer_of<int>(queue, Buffer::kPartial, 1);
  set_to_zero(queue, found, sizeof(int));
  for_each(queue, "all_finite", n, FindNotFinite{x, found});
  int result = 0;
  copy_to_host(queue, found, sizeof(int), &result);
  return result == 0;
}

}  // namespace lq::backends::cuda
