#include "decompose/held_out.h"

#include <algorithm>
#include <vector>

#include "backends/cpu/gemm.h"
#include "backends/cuda/quantize.h"
#include "base/error.h"
#include "decompose/device_product.h"
#include "decompose/residual_space.h"
#include "ops/device_memory.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

constexpr std::int64_t kGrain = 1 << 16;

// tr(e R e^T).
double output_energy(ThreadPool& pool, std::int64_t rows, std::int64_t cols, const float* e, const float* r,
                     std::vector<float>& work) {
  backends::gemm(pool, rows, cols, cols, e, cols, r, cols, work.data(), cols);
  const double energy = parallel_sum(pool, rows * cols, kGrain, [&](std::int64_t begin, std::int64_t end) {
    double sum = 0.0;
    for (std::int64_t i = begin; i < end; ++i) {
      sum += static_cast<double>(e[i]) * static_cast<double>(work[static_cast<std::size_t>(i)]);
    }
    return sum;
  });
  return std::max(0.0, energy);
}

Tensor moved_there(Context& context, const float* values, std::int64_t rows, std::int64_t cols) {
  return copy_to_device(
      context, Tensor::borrow(DType::kF32, {rows, cols}, reinterpret_cast<const std::byte*>(values)));
}

// The same on the context's device.
double energy_there(DeviceQueue& queue, const Tensor& e, const Tensor& r, Tensor& work) {
  namespace cuda = backends::cuda;
  const std::int64_t cols = e.dim(1);
  cuda::multiply(queue, dense_product(e.dim(0), cols, cols, {e.data<float>(), cols}, {r.data<float>(), cols},
                                      work.mutable_data<float>(), cols));
  return std::max(0.0, cuda::sum_of_products(queue, e.numel(), e.data<float>(), work.data<float>()));
}

double error_there(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                   const PackedMatrix& q, const Decomposition& d, std::span<const float> r) {
  namespace cuda = backends::cuda;
  DeviceQueue& queue = queue_of(context, "held_out_error", context.device);
  const Tensor there = moved_there(context, w, rows, cols);
  const Tensor moment = moved_there(context, r.data(), cols, cols);
  Tensor work = empty_tensor(context.device, DType::kF32, {rows, cols});
  const double whole = energy_there(queue, there, moment, work);
  if (whole <= 0.0) return 0.0;
  Tensor values = Tensor::empty(DType::kF32, {rows, cols});
  q.dequantize(context.pool, values.mutable_data<float>());
  Tensor e = moved_there(context, values.data<float>(), rows, cols);
  cuda::residual(queue, rows, cols, there.data<float>(), e.data<float>(), nullptr, nullptr,
                 e.mutable_data<float>());
  if (d.l1.numel() > 0) {
    const std::int64_t rank = d.l1.dim(1);
    const Tensor l1 = moved_there(context, d.l1.data<float>(), rows, rank);
    const Tensor l2 = moved_there(context, d.l2.data<float>(), rank, cols);
    cuda::Product p = dense_product(rows, cols, rank, {l1.data<float>(), rank}, {l2.data<float>(), cols},
                                    e.mutable_data<float>(), cols);
    p.alpha = -1.0F;
    p.beta = 1.0F;
    cuda::multiply(queue, p);
  }
  return energy_there(queue, e, moment, work) / whole;
}

}  // namespace

double held_out_error(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                      const PackedMatrix& q, const Decomposition& d, std::span<const float> r) {
  LQ_CHECK(q.rows() == rows && q.cols() == cols && r.size() == static_cast<std::size_t>(cols * cols),
           kMismatch,
           "held-out second moment of {} values, and a packed matrix of {} x {}, for one of {} x {}",
           r.size(), q.rows(), q.cols(), rows, cols);
  if (!context.device.is_cpu()) return error_there(context, w, rows, cols, q, d, r);
  std::vector<float> work(static_cast<std::size_t>(rows * cols));
  const double whole = output_energy(context.pool, rows, cols, w, r.data(), work);
  if (whole <= 0.0) return 0.0;
  std::vector<float> e(work.size());
  q.dequantize(context.pool, e.data());
  for (std::size_t i = 0; i < e.size(); ++i) e[i] = w[i] - e[i];
  if (d.l1.numel() > 0) {
    subtract_product(context.pool, rows, cols, e.data(), d.l1.dim(1), d.l1.data<float>(), d.l2.data<float>(),
                     e.data());
  }
  return output_energy(context.pool, rows, cols, e.data(), r.data(), work) / whole;
}

}  // namespace lq
