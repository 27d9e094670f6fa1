// Rows of logits and their losses on the processor; contracts as in ops/cross_entropy.h, which has checked
// the targets: a negative one is ignored.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void cross_entropy_forward(Context& ctx, ConstMatrix logits, std::span<const std::int32_t> targets,
                           std::span<float> losses);
void cross_entropy_forward_backward(Context& ctx, Matrix logits, std::span<const std::int32_t> targets,
                                    float scale, std::span<float> losses);
void kl_divergence(Context& ctx, ConstMatrix p_logits, ConstMatrix q_logits, std::span<float> out);
void kl_divergence_backward(Context& ctx, ConstMatrix p_logits, Matrix q_logits,
                            std::span<const std::int32_t> targets, float scale, std::span<float> losses);

}  // namespace lq::backends::cpu
