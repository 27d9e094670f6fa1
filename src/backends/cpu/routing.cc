#include "backends/cpu/routing.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "backends/cpu/transformer_softmax.h"
#include "base/parallel.h"

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kRoutedTokens = 16;  // of one job

}  // namespace

void routing_forward(Context& ctx, bool normalized, Matrix shares, std::span<std::int32_t> chosen,
                     Matrix weights) {
  const auto used = static_cast<std::size_t>(weights.cols);
  parallel_for(ctx.pool, shares.rows, kRoutedTokens, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::int32_t> order(static_cast<std::size_t>(shares.cols));
    for (std::int64_t t = begin; t < end; ++t) {
      float* const p = shares.row(t);
      exp_shifted(shares.cols, log_sum_exp(shares.cols, p), p);
      std::iota(order.begin(), order.end(), 0);
      // Of equal ones the first.
      std::partial_sort(order.begin(), order.begin() + weights.cols, order.end(),
                        [p](std::int32_t a, std::int32_t b) { return p[a] != p[b] ? p[a] > p[b] : a < b; });
      float sum = 0.0F;
      for (std::size_t j = 0; j < used; ++j) sum += p[order[j]];
      for (std::size_t j = 0; j < used; ++j) {
        chosen[static_cast<std::size_t>(t) * used + j] = order[j];
        weights.row(t)[j] = normalized ? p[order[j]] / sum : p[order[j]];
      }
    }
  });
}

void routing_backward(Context& ctx, bool normalized, ConstMatrix shares, std::span<const std::int32_t> chosen,
                      ConstMatrix weights, ConstMatrix dweights, Matrix dlogits) {
  const std::int64_t used = weights.cols;
  parallel_for(ctx.pool, shares.rows, kRoutedTokens, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int32_t* const ids = chosen.data() + t * used;
      const float* const p = shares.row(t);
      const float* const dw = dweights.row(t);
      float* const to = dlogits.row(t);
      // Of the shares: w = p, or p over the sum of the chosen ones.
      float mean = 0.0F, sum = 0.0F;
      for (std::int64_t j = 0; j < used; ++j) {
        mean += dw[j] * weights.row(t)[j];
        sum += p[ids[j]];
      }
      std::fill_n(to, dlogits.cols, 0.0F);
      float along = 0.0F;
      for (std::int64_t j = 0; j < used; ++j) {
        to[ids[j]] = normalized ? (dw[j] - mean) / sum : dw[j];
        along += p[ids[j]] * to[ids[j]];
      }
      for (std::int64_t e = 0; e < dlogits.cols; ++e) to[e] = p[e] * (to[e] - along);
    }
  });
}

}  // namespace lq::backends::cpu
