// Which experts a token goes to, on the processor; contracts as in ops/routing.h.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq::backends::cpu {

void routing_forward(Context& ctx, bool normalized, Matrix logits_to_shares, std::span<std::int32_t> chosen,
                     Matrix weights);
void routing_backward(Context& ctx, bool normalized, ConstMatrix shares, std::span<const std::int32_t> chosen,
                      ConstMatrix weights, ConstMatrix dweights, Matrix dlogits);

}  // namespace lq::backends::cpu
