#include "nn/lora_dropout.h"

#include "base/rng.h"
#include "ops/elementwise.h"

namespace lq {

void lora_dropout_forward(Context& ctx, const LoraDropout& dropout, std::string_view module, ConstMatrix x,
                          Matrix y) {
  // A key for this module and pass; elements count within it.
  dropout_forward(ctx, dropout_mask(dropout.rate, dropout.seed, stream_of(module)), dropout.draw, x, y);
}

}  // namespace lq
