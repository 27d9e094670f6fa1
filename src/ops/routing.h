// Which experts a token goes to, and with which weights: shares p = softmax(logits) over the experts, the
// `used` largest of them (of equal ones the first), weights p, or, normalized, p over their sum.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// In: logits, [tokens, experts]. Out: the shares, in their place. chosen: [tokens * used], largest first;
// weights: [tokens, used]. Throws Error(kMismatch) unless 1 <= used <= experts.
void routing_forward(Context& ctx, bool normalized, Matrix logits_to_shares, std::span<std::int32_t> chosen,
                     Matrix weights);
// dlogits = . Everything else as forward left it; dweights: [tokens, used].
void routing_backward(Context& ctx, bool normalized, ConstMatrix shares, std::span<const std::int32_t> chosen,
                      ConstMatrix weights, ConstMatrix dweights, Matrix dlogits);

}  // namespace lq
