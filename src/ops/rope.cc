#include "ops/rope.h"

#include <cmath>

#include "backends/cpu/transformer_elementwise.h"

namespace lq {
namespace {

constexpr std::int64_t kTokens = 32;  // of one job

void rotate(Context& ctx, const RopeTable& table, std::int64_t heads, bool inverse, Matrix x) {
  const auto tokens = static_cast<std::int64_t>(table.cos.size()) / std::max<std::int64_t>(1, table.half);
  check_shape("rope x", x, tokens, heads * 2 * table.half);
  parallel_for(ctx.pool, x.rows, kTokens, [&](std::int64_t begin, std::int64_t end) {
    backends::rope_rotate(end - begin, heads, table.half, table.cos.data() + begin * table.half,
                          table.sin.data() + begin * table.half, inverse, x.row(begin), x.cols);
  });
}

}  // namespace

RopeTable make_rope_table(Context& ctx, std::span<const std::int32_t> positions,
                          std::span<const float> inv_freq, float attention_factor) {
  RopeTable table;
  table.half = std::ssize(inv_freq);
  table.cos.resize(positions.size() * inv_freq.size());
  table.sin.resize(table.cos.size());
  parallel_for(ctx.pool, std::ssize(positions), kTokens, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t i = 0; i < table.half; ++i) {
        const float angle = static_cast<float>(positions[static_cast<std::size_t>(t)]) *
                            inv_freq[static_cast<std::size_t>(i)];
        const auto at = static_cast<std::size_t>(t * table.half + i);
        table.cos[at] = static_cast<float>(std::cos(static_cast<double>(angle))) * attention_factor;
        table.sin[at] = static_cast<float>(std::sin(static_cast<double>(angle))) * attention_factor;
      }
    }
  });
  return table;
}

void rope_forward(Context& ctx, const RopeTable& table, std::int64_t heads, Matrix x) {
  rotate(ctx, table, heads, false, x);
}

void rope_backward(Context& ctx, const RopeTable& table, std::int64_t heads, Matrix dx) {
  rotate(ctx, table, heads, true, dx);
}

}  // namespace lq
