#include "nn/lora_dropout.h"

#include "base/rng.h"
#include "ops/elementwise.h"

namespace lq {

void lora_dropout_forward(Context& ctx, const LoraDropout& dropout, std::string_view module, ConstMatrix x,
                          Matrix y) {
  // A key for this module and pass; elements count within it.
  const auto key = Rng(dropout.seed, stream_of(module)).words(dropout.draw);
  const std::uint64_t seed = (std::uint64_t{key[0]} << 32) | key[1];
  dropout_forward(ctx, dropout_mask(dropout.rate, seed, key[2]), x, y);
}

}  // namespace lq
