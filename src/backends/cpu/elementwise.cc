#include "backends/cpu/elementwise.h"

#include <algorithm>

#include "backends/cpu/transformer_elementwise.h"
#include "base/parallel.h"
#include "base/rng.h"

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kGrain = 32768;  // elements of one job: some tens of microseconds

}  // namespace

void silu_mul_forward(Context& ctx, ConstMatrix gate, ConstMatrix up, Matrix out) {
  parallel_for(ctx.pool, gate.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::silu_mul_forward(end - begin, gate.data + begin, up.data + begin, out.data + begin);
  });
}

void silu_mul_backward(Context& ctx, ConstMatrix gate, ConstMatrix up, ConstMatrix dout, Matrix dgate,
                       Matrix dup) {
  parallel_for(ctx.pool, gate.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    backends::silu_mul_backward(end - begin, gate.data + begin, up.data + begin, dout.data + begin,
                                dgate.data + begin, dup.data + begin);
  });
}

void fill(Context& ctx, Vector x, float value) {
  parallel_for(ctx.pool, std::ssize(x), 4 * kGrain, [&](std::int64_t begin, std::int64_t end) {
    std::fill(x.data() + begin, x.data() + end, value);
  });
}

void add(Context& ctx, ConstVector x, Vector y) {
  parallel_for(ctx.pool, std::ssize(y), kGrain, [&](std::int64_t begin, std::int64_t end) {
    add_to(end - begin, x.data() + begin, y.data() + begin);
  });
}

void scale(Context& ctx, float factor, Vector x) {
  parallel_for(ctx.pool, std::ssize(x), kGrain, [&](std::int64_t begin, std::int64_t end) {
    scale_by(end - begin, factor, x.data() + begin);
  });
}

void add_bias(Context& ctx, ConstVector bias, Matrix y) {
  parallel_for(ctx.pool, y.rows, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) add_to(y.cols, bias.data(), y.row(i));
  });
}

void add_column_sums(Context& ctx, ConstMatrix x, Vector sums) {
  parallel_for(ctx.pool, x.cols, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = 0; i < x.rows; ++i) add_to(end - begin, x.row(i) + begin, sums.data() + begin);
  });
}

void dropout(Context& ctx, const DropoutMask& mask, ConstMatrix x, Matrix y) {
  constexpr int kPerCall = 8;  // a call gives 128 bits, 16 for each element
  const Rng rng(mask.seed, mask.stream);
  parallel_for(ctx.pool, x.size(), 16384, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += kPerCall) {
      const auto words = rng.words(static_cast<std::uint64_t>(i / kPerCall));
      const std::int64_t count = std::min<std::int64_t>(kPerCall, end - i);
      for (std::int64_t j = 0; j < count; ++j) {
        const std::uint32_t bits = words[static_cast<std::size_t>(j / 2)] >> (16 * (j % 2)) & 0xffffU;
        y.data[i + j] = bits < mask.below ? 0.0F : x.data[i + j] * mask.grow;
      }
    }
  });
}

}  // namespace lq::backends::cpu
