#include "ops/reduce.h"

#include <vector>

#include "backends/cpu/reduce.h"
#include "backends/cuda/optimizer.h"
#include "ops/dispatch.h"

namespace lq {

double squared_norm(Context& ctx, ConstVector x) {
  double sum = 0.0;
  squared_norms(ctx, {&x, 1}, {&sum, 1});
  return sum;
}

void squared_norms(Context& ctx, std::span<const ConstVector> vectors, std::span<double> sums) {
  LQ_CHECK(vectors.size() == sums.size(), kMismatch, "[ops] squared_norms: {} vectors, {} sums",
           vectors.size(), sums.size());
  if (vectors.empty()) return;
  const Device device = vectors.front().device();
  for (const ConstVector& x : vectors)
    common_device("squared_norms", {{"the first", device}, {"another", x.device()}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::squared_norms(ctx, vectors, sums);
    case DeviceKind::kCuda: {
      std::vector<backends::cuda::FloatRun> runs;
      for (const ConstVector& x : vectors) runs.push_back({x.data(), std::ssize(x)});
      return backends::cuda::squared_norms(queue_of(ctx, "squared_norms", device), runs.data(),
                                           std::ssize(runs), sums.data());
    }
  }
}

bool all_finite(Context& ctx, ConstVector x) {
  if (x.device().is_cpu()) return backends::cpu::all_finite(ctx, x);
  return backends::cuda::all_finite(queue_of(ctx, "all_finite", x.device()), std::ssize(x), x.data());
}

}  // namespace lq
