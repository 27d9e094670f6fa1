#include "ops/cross_entropy.h"

#include "backends/cpu/cross_entropy.h"
#include "backends/cuda/loss.h"
#include "ops/dispatch.h"

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
  switch (logits.device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::cross_entropy_forward(ctx, logits, targets, losses);
    case DeviceKind::kCuda:
      return backends::cuda::cross_entropy_forward(queue_of(ctx, "cross_entropy_forward", logits.device),
                                                   logits.rows, logits.cols, logits.data, targets.data(),
                                                   losses.data());
  }
}

void cross_entropy_forward_backward(Context& ctx, Matrix logits, std::span<const std::int32_t> targets,
                                    float scale, std::span<float> losses) {
  check_targets(logits, targets, losses);
  switch (logits.device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::cross_entropy_forward_backward(ctx, logits, targets, scale, losses);
    case DeviceKind::kCuda:
      return backends::cuda::cross_entropy_forward_backward(
          queue_of(ctx, "cross_entropy_forward_backward", logits.device), logits.rows, logits.cols,
          logits.data, targets.data(), scale, losses.data());
  }
}

void kl_divergence(Context& ctx, ConstMatrix p_logits, ConstMatrix q_logits, std::span<float> out) {
  check_shape("kl_divergence q", q_logits, p_logits.rows, p_logits.cols);
  check_shape("kl_divergence out", {out.data(), 1, std::ssize(out)}, 1, p_logits.rows);
  const Device device =
      common_device("kl_divergence", {{"p_logits", p_logits.device}, {"q_logits", q_logits.device}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::kl_divergence(ctx, p_logits, q_logits, out);
    case DeviceKind::kCuda:
      return backends::cuda::kl_divergence(queue_of(ctx, "kl_divergence", device), p_logits.rows,
                                           p_logits.cols, p_logits.data, q_logits.data, out.data());
  }
}

void kl_divergence_backward(Context& ctx, ConstMatrix p_logits, Matrix q_logits,
                            std::span<const std::int32_t> targets, float scale, std::span<float> losses) {
  check_shape("kl_divergence_backward q", q_logits, p_logits.rows, p_logits.cols);
  check_targets(p_logits, targets, losses);
  const Device device =
      common_device("kl_divergence_backward", {{"p_logits", p_logits.device}, {"q_logits", q_logits.device}});
  switch (device.kind) {
    case DeviceKind::kCpu:
      return backends::cpu::kl_divergence_backward(ctx, p_logits, q_logits, targets, scale, losses);
    case DeviceKind::kCuda:
      return backends::cuda::kl_divergence_backward(queue_of(ctx, "kl_divergence_backward", device),
                                                    p_logits.rows, p_logits.cols, p_logits.data,
                                                    q_logits.data, targets.data(), scale, losses.data());
  }
}

}  // namespace lq
