// Dropout on the input of the low-rank parts, as PEFT applies it: x (A^T) becomes dropout(x) A^T, while the
// weight beside it sees x. The mask is a pure function of (seed, draw, module, element), so that it is the
// same when a pass is computed again and on any number of threads.
#pragma once

#include <cstdint>
#include <string_view>

#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

struct LoraDropout {
  float rate = 0.0F;       // in [0, 1): the share of elements that become 0; the rest grow by 1 / (1 - rate)
  std::uint64_t seed = 0;  // of the run
  std::uint64_t draw = 0;  // counts the passes: one mask for each forward and its backward
};

// y = mask(module) * x / (1 - rate).   x, y: [tokens, in]; y may be x.
void lora_dropout_forward(Context& ctx, const LoraDropout& dropout, std::string_view module, ConstMatrix x,
                          Matrix y);

}  // namespace lq
