#include "nn/lora_dropout.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/rng.h"

namespace lq {
namespace {

constexpr int kPerCall = 8;  // a call gives 128 bits, 16 for each element

}  // namespace

void lora_dropout_forward(Context& ctx, const LoraDropout& dropout, std::string_view module, ConstMatrix x,
                          Matrix y) {
  check_shape("lora_dropout y", y, x.rows, x.cols);
  LQ_CHECK(dropout.rate >= 0.0F && dropout.rate < 1.0F, kInvalidArgument,
           "[lora_dropout] a rate must be at least 0 and below 1, but it is {}", dropout.rate);
  const auto below = static_cast<std::uint32_t>(std::lround(dropout.rate * 65536.0F));  // dropped
  const float grow = 1.0F / (1.0F - dropout.rate);
  // A key for this module and pass; elements count within it.
  const auto key_words = Rng(dropout.seed, stream_of(module)).words(dropout.draw);
  const std::uint64_t key = (std::uint64_t{key_words[0]} << 32) | key_words[1];
  const Rng rng(key, key_words[2]);
  parallel_for(ctx.pool, x.size(), 16384, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += kPerCall) {
      const auto words = rng.words(static_cast<std::uint64_t>(i / kPerCall));
      const std::int64_t count = std::min<std::int64_t>(kPerCall, end - i);
      for (std::int64_t j = 0; j < count; ++j) {
        const std::uint32_t bits = words[static_cast<std::size_t>(j / 2)] >> (16 * (j % 2)) & 0xffffU;
        y.data[i + j] = bits < below ? 0.0F : x.data[i + j] * grow;
      }
    }
  });
}

}  // namespace lq
