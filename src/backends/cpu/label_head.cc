#include "backends/cpu/label_head.h"

#include <algorithm>
#include <cmath>

namespace lq::backends::cpu {
namespace {

constexpr std::int64_t kBlock = 4096;  // numbers of a job

// body(begin, end) over all numbers.
template <typename Body>
void over_blocks(Context& ctx, std::size_t size, const Body& body) {
  const auto n = static_cast<std::int64_t>(size);
  ctx.pool.run((n + kBlock - 1) / kBlock, [&](std::int64_t job) {
    const auto begin = static_cast<std::size_t>(job * kBlock);
    body(begin, static_cast<std::size_t>(std::min(n, (job + 1) * kBlock)));
  });
}

}  // namespace

void tanh_forward(Context& ctx, Vector x) {
  float* const at = x.data();
  over_blocks(ctx, x.size(), [at](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) at[i] = std::tanh(at[i]);
  });
}

void tanh_backward(Context& ctx, ConstVector y, Vector dy) {
  const float* const value = y.data();
  float* const at = dy.data();
  over_blocks(ctx, dy.size(), [value, at](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) at[i] *= 1.0F - value[i] * value[i];
  });
}

void relu_forward(Context& ctx, Vector x) {
  float* const at = x.data();
  over_blocks(ctx, x.size(), [at](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) at[i] = std::max(at[i], 0.0F);
  });
}

void relu_backward(Context& ctx, ConstVector y, Vector dy) {
  const float* const value = y.data();
  float* const at = dy.data();
  over_blocks(ctx, dy.size(), [value, at](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) at[i] = value[i] > 0.0F ? at[i] : 0.0F;
  });
}

void squared_error(std::span<const float> predicted, std::span<const float> targets,
                   std::span<float> losses) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    losses[i] = (predicted[i] - targets[i]) * (predicted[i] - targets[i]);
  }
}

void squared_error_backward(std::span<float> predicted, std::span<const float> targets, float scale) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    predicted[i] = 2.0F * scale * (predicted[i] - targets[i]);
  }
}

}  // namespace lq::backends::cpu
