#include "backends/cpu/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <vector>

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

void kl_divergence_backward(Context& ctx, ConstMatrix p_logits, Matrix q_logits,
                            std::span<const std::int32_t> targets, float scale, std::span<float> losses) {
  const std::int64_t cols = q_logits.cols;
  parallel_for(ctx.pool, q_logits.rows, 4, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> p(static_cast<std::size_t>(cols));
    for (std::int64_t t = begin; t < end; ++t) {
      const auto i = static_cast<std::size_t>(t);
      const float* p_row = p_logits.row(t);
      float* q_row = q_logits.row(t);
      losses[i] = 0.0F;
      if (targets[i] < 0) {
        std::fill(q_row, q_row + cols, 0.0F);
        continue;
      }
      const float p_lse = log_sum_exp(cols, p_row);
      const float q_lse = log_sum_exp(cols, q_row);
      std::copy(p_row, p_row + cols, p.begin());
      exp_shifted(cols, p_lse, p.data());
      double sum = 0.0;
      for (std::int64_t v = 0; v < cols; ++v) {
        const double log_p = double{p_row[v]} - double{p_lse};
        const double log_q = double{q_row[v]} - double{q_lse};
        sum += double{p[static_cast<std::size_t>(v)]} * (log_p - log_q);
      }
      losses[i] = static_cast<float>(sum);
      exp_shifted(cols, q_lse, q_row);
      for (std::int64_t v = 0; v < cols; ++v) q_row[v] = scale * (q_row[v] - p[static_cast<std::size_t>(v)]);
    }
  });
}

}  // namespace lq::backends::cpu
