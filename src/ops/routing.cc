#include "ops/routing.h"

#include "backends/cpu/routing.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

void check_routing(ConstMatrix shares, std::size_t chosen, ConstMatrix weights) {
  LQ_CHECK(weights.rows == shares.rows && weights.cols >= 1 && weights.cols <= shares.cols &&
               static_cast<std::int64_t>(chosen) == weights.size(),
           kMismatch, "[routing] {} tokens of {} experts, weights [{}, {}], {} chosen", shares.rows,
           shares.cols, weights.rows, weights.cols, chosen);
}

}  // namespace

void routing_forward(Context& ctx, bool normalized, Matrix shares, std::span<std::int32_t> chosen,
                     Matrix weights) {
  check_routing(shares, chosen.size(), weights);
  cpu_only("routing_forward", {{"logits", shares.device}, {"weights", weights.device}});
  backends::cpu::routing_forward(ctx, normalized, shares, chosen, weights);
}

void routing_backward(Context& ctx, bool normalized, ConstMatrix shares, std::span<const std::int32_t> chosen,
                      ConstMatrix weights, ConstMatrix dweights, Matrix dlogits) {
  check_routing(shares, chosen.size(), weights);
  check_shape("routing dweights", dweights, weights.rows, weights.cols);
  check_shape("routing dlogits", dlogits, shares.rows, shares.cols);
  cpu_only("routing_backward", {{"shares", shares.device},
                                {"weights", weights.device},
                                {"dweights", dweights.device},
                                {"dlogits", dlogits.device}});
  backends::cpu::routing_backward(ctx, normalized, shares, chosen, weights, dweights, dlogits);
}

}  // namespace lq
