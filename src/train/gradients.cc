#include "train/gradients.h"

#include <algorithm>
#include <cmath>

namespace lq {

double gradient_norm(ThreadPool& pool, const std::vector<Parameter*>& parameters) {
  constexpr std::int64_t kGrain = 1 << 16;
  double sum = 0.0;
  for (Parameter* p : parameters) {
    const float* const g = p->grad.data<float>();
    sum += parallel_sum(pool, p->grad.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      // Four sums of their own, so that additions need not wait for each other.
      double part[4] = {0.0, 0.0, 0.0, 0.0};
      for (std::int64_t i = begin; i < end; ++i) part[i & 3] += static_cast<double>(g[i]) * g[i];
      return (part[0] + part[1]) + (part[2] + part[3]);
    });
  }
  return std::sqrt(sum);
}

double clip_factor(double norm, double most) {
  if (most <= 0.0) return 1.0;
  return std::min(1.0, most / (norm + 1e-6));
}

std::vector<std::string> not_finite_gradients(const std::vector<Parameter*>& parameters) {
  std::vector<std::string> names;
  for (Parameter* p : parameters) {
    const auto g = p->grads();
    if (std::any_of(g.begin(), g.end(), [](float x) { return !std::isfinite(x); })) names.push_back(p->name);
  }
  return names;
}

}  // namespace lq
