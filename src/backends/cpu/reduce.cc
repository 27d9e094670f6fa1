#include "backends/cpu/reduce.h"

#include <atomic>
#include <bit>
#include <cstdint>

#include "base/parallel.h"

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kReduceGrain = 1 << 16;

}  // namespace

double squared_norm(Context& ctx, ConstVector x) {
  const float* const v = x.data();
  return parallel_sum(ctx.pool, std::ssize(x), kReduceGrain, [&](std::int64_t begin, std::int64_t end) {
    // Four sums of their own, so that additions need not
    // wait for each other.
    double part[4] = {0.0, 0.0, 0.0, 0.0};
    for (std::int64_t i = begin; i < end; ++i) part[i & 3] += static_cast<double>(v[i]) * v[i];
    return (part[0] + part[1]) + (part[2] + part[3]);
  });
}

void squared_norms(Context& ctx, std::span<const ConstVector> vectors, std::span<double> sums) {
  for (std::size_t i = 0; i < vectors.size(); ++i) sums[i] = squared_norm(ctx, vectors[i]);
}

bool all_finite(Context& ctx, ConstVector x) {
  std::atomic<bool> good{true};
  parallel_for(ctx.pool, std::ssize(x), std::int64_t{1} << 18, [&](std::int64_t begin, std::int64_t end) {
    std::uint32_t bad = 0;  // without a branch in the loop
    for (std::int64_t i = begin; i < end; ++i) {
      const auto bits = std::bit_cast<std::uint32_t>(x.data()[i]);
      bad |= static_cast<std::uint32_t>((bits & 0x7f800000U) == 0x7f800000U);
    }
    if (bad != 0) good.store(false, std::memory_order_relaxed);
  });
  return good.load();
}

}  // namespace lq::backends::cpu
