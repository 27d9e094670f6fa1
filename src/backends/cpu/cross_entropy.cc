#include "backends/cpu/cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "backends/cpu/transformer_elementwise.h"
#include "backends/cpu/transformer_softmax.h"
#include "base/parallel.h"

namespace lq::backends::cpu {

void cross_entropy_forward(Context& ctx, ConstMatrix logits, std::span<const std::int32_t> targets,
                           std::span<float> losses) {
  parallel_for(ctx.pool, logits.rows, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const auto i = static_cast<std::size_t>(t);
      losses[i] = targets[i] < 0 ? 0.0F : log_sum_exp(logits.cols, logits.row(t)) - logits.row(t)[targets[i]];
    }
  });
}

void cross_entropy_forward_backward(Context& ctx, Matrix logits, std::span<const std::int32_t> targets,
                                    float scale, std::span<float> losses) {
  parallel_for(ctx.pool, logits.rows, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const auto i = static_cast<std::size_t>(t);
      float* row = logits.row(t);
      if (targets[i] < 0) {
        losses[i] = 0.0F;
        std::fill(row, row + logits.cols, 0.0F);
        continue;
      }
      const float lse = log_sum_exp(logits.cols, row);
      losses[i] = lse - row[targets[i]];
      exp_shifted(logits.cols, lse, row);
      scale_by(logits.cols, scale, row);
      row[targets[i]] -= scale;
    }
  });
}

void kl_divergence(Context& ctx, ConstMatrix p_logits, ConstMatrix q_logits, std::span<float> out) {
  parallel_for(ctx.pool, p_logits.rows, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const double p_lse = log_sum_exp(p_logits.cols, p_logits.row(t));
      const double q_lse = log_sum_exp(p_logits.cols, q_logits.row(t));
      double sum = 0.0;
      for (std::int64_t v = 0; v < p_logits.cols; ++v) {
        const double log_p = double{p_logits.row(t)[v]} - p_lse;
        const double log_q = double{q_logits.row(t)[v]} - q_lse;
        sum += std::exp(log_p) * (log_p - log_q);
      }
      out[static_cast<std::size_t>(t)] = static_cast<float>(sum);
    }
  });
}

}  // namespace lq::backends::cpu
