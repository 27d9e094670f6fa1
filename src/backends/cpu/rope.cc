#include "backends/cpu/rope.h"

#include <cmath>

#include "backends/cpu/transformer_elementwise.h"
#include "base/parallel.h"

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kTokens = 32;  // of one job

}  // namespace

void rope_table(Context& ctx, std::span<const std::int32_t> positions, std::span<const float> inv_freq,
                float attention_factor, std::span<float> cos, std::span<float> sin) {
  const std::int64_t half = std::ssize(inv_freq);
  parallel_for(ctx.pool, std::ssize(positions), kTokens, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t i = 0; i < half; ++i) {
        const float angle = static_cast<float>(positions[static_cast<std::size_t>(t)]) *
                            inv_freq[static_cast<std::size_t>(i)];
        const auto at = static_cast<std::size_t>(t * half + i);
        cos[at] = static_cast<float>(std::cos(static_cast<double>(angle))) * attention_factor;
        sin[at] = static_cast<float>(std::sin(static_cast<double>(angle))) * attention_factor;
      }
    }
  });
}

void rope_rotate(Context& ctx, const float* cos, const float* sin, std::int64_t half, std::int64_t heads,
                 bool inverse, Matrix x) {
  parallel_for(ctx.pool, x.rows, kTokens, [&](std::int64_t begin, std::int64_t end) {
    backends::rope_rotate(end - begin, heads, x.cols / heads, half, cos + begin * half, sin + begin * half,
                          inverse, x.row(begin), x.cols);
  });
}

}  // namespace lq::backends::cpu
