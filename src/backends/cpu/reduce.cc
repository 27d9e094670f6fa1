#include "backends/cpu/reduce.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kReduceGrain = 1 << 16;

}  // namespace

double squared_norm(Context& ctx, ConstVector x) {
  const float* const v = x.data();
  return parallel_sum(ctx.pool, std::ssize(x), kReduceGrain, [&](std::int64_t begin, std::int64_t end) {
    // Four sums of their own, so that additions need not wait for each other.
    double part[4] = {0.0, 0.0, 0.0, 0.0};
    for (std::int64_t i = begin; i < end; ++i) part[i & 3] += static_cast<double>(v[i]) * v[i];
    return (part[0] + part[1]) + (part[2] + part[3]);
  });
}

bool all_finite(Context& ctx, ConstVector x) {
  const double bad =
      parallel_sum(ctx.pool, std::ssize(x), kReduceGrain, [&](std::int64_t begin, std::int64_t end) {
        return std::all_of(x.data() + begin, x.data() + end, [](float v) { return std::isfinite(v); }) ? 0.0
                                                                                                       : 1.0;
      });
  return bad == 0.0;
}

}  // namespace lq::backends::cpu
