// Loss of next-token prediction over one chunk of logits.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

constexpr std::int32_t kIgnoreTarget = -100;  // this token predicts nothing

// losses[t] = logsumexp(logits[t]) - logits[t, targets[t]] in nats; 0 where targets[t] is kIgnoreTarget.
// Throws Error(kInvalidArgument) for any other target outside [0, vocab).
void cross_entropy_forward(Context& ctx, ConstMatrix logits, std::span<const std::int32_t> targets,
                           std::span<float> losses);

// The same, and logits = scale * d(sum of losses)/dlogits in place: (softmax - onehot) * scale, 0 where
// ignored.
void cross_entropy_forward_backward(Context& ctx, Matrix logits, std::span<const std::int32_t> targets,
                                    float scale, std::span<float> losses);

// out[t] = KL(softmax(p_logits[t]) || softmax(q_logits[t])) in nats, never negative but for rounding.
void kl_divergence(Context& ctx, ConstMatrix p_logits, ConstMatrix q_logits, std::span<float> out);

// losses[t] = the same, and q_logits = scale * d(sum of losses)/dq_logits in place: (softmax(q) - softmax(p))
// * scale; both 0 where targets[t] is kIgnoreTarget. Other targets do not matter.
void kl_divergence_backward(Context& ctx, ConstMatrix p_logits, Matrix q_logits,
                            std::span<const std::int32_t> targets, float scale, std::span<float> losses);

}  // namespace lq
