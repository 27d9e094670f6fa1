#include "decompose/held_out.h"

#include <algorithm>
#include <vector>

#include "backends/cpu/gemm.h"
#include "base/error.h"
#include "decompose/residual_space.h"

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

}  // namespace

double held_out_error(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                      const PackedMatrix& q, const Decomposition& d, std::span<const float> r) {
  LQ_CHECK(q.rows() == rows && q.cols() == cols && r.size() == static_cast<std::size_t>(cols * cols),
           kMismatch,
           "held-out second moment of {} values, and a packed matrix of {} x {}, for one of {} x {}",
           r.size(), q.rows(), q.cols(), rows, cols);
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
