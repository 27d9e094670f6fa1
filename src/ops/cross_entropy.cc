#include "ops/cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "backends/cpu/transformer_elementwise.h"
#include "backends/cpu/transformer_softmax.h"

namespace lq {
namespace {

void check_targets(ConstMatrix logits, std::span<const std::int32_t> targets, std::span<const float> losses) {
  LQ_CHECK(std::ssize(targets) == logits.rows && std::ssize(losses) == logits.rows, kMismatch,
           "[cross_entropy] {} rows of logits, {} targets, {} losses", logits.rows, targets.size(),
           losses.size());
  for (std::size_t t = 0; t < targets.size(); ++t) {
    LQ_CHECK(targets[t] == kIgnoreTarget || (targets[t] >= 0 && targets[t] < logits.cols), kInvalidArgument,
             "[cross_entropy] target {} is {}, but the vocabulary has {} ids ({} is ignored)", t, targets[t],
             logits.cols, kIgnoreTarget);
  }
}

}  // namespace

void cross_entropy_forward(Context& ctx, ConstMatrix logits, std::span<const std::int32_t> targets,
                           std::span<float> losses) {
  check_targets(logits, targets, losses);
  parallel_for(ctx.pool, logits.rows, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const auto i = static_cast<std::size_t>(t);
      losses[i] = targets[i] == kIgnoreTarget
                      ? 0.0F
                      : backends::log_sum_exp(logits.cols, logits.row(t)) - logits.row(t)[targets[i]];
    }
  });
}

void cross_entropy_forward_backward(Context& ctx, Matrix logits, std::span<const std::int32_t> targets,
                                    float scale, std::span<float> losses) {
  check_targets(logits, targets, losses);
  parallel_for(ctx.pool, logits.rows, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const auto i = static_cast<std::size_t>(t);
      float* row = logits.row(t);
      if (targets[i] == kIgnoreTarget) {
        losses[i] = 0.0F;
        std::fill(row, row + logits.cols, 0.0F);
        continue;
      }
      const float lse = backends::log_sum_exp(logits.cols, row);
      losses[i] = lse - row[targets[i]];
      backends::exp_shifted(logits.cols, lse, row);
      backends::scale_by(logits.cols, scale, row);
      row[targets[i]] -= scale;
    }
  });
}

void kl_divergence(Context& ctx, ConstMatrix p_logits, ConstMatrix q_logits, std::span<float> out) {
  check_shape("kl_divergence q", q_logits, p_logits.rows, p_logits.cols);
  check_shape("kl_divergence out", {out.data(), 1, std::ssize(out)}, 1, p_logits.rows);
  parallel_for(ctx.pool, p_logits.rows, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const double p_lse = backends::log_sum_exp(p_logits.cols, p_logits.row(t));
      const double q_lse = backends::log_sum_exp(p_logits.cols, q_logits.row(t));
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

}  // namespace lq
