#include "ops/elementwise.h"

#include <cmath>

#include "backends/cpu/elementwise.h"
#include "backends/cuda/elementwise.h"
#include "ops/dispatch.h"

namespace lq {

void fill(Context& ctx, Vector x, float value) {
  switch (x.device().kind) {
    case DeviceKind::kCpu:
      return backends::cpu::fill(ctx, x, value);
    case DeviceKind::kCuda:
      return backends::cuda::fill(queue_of(ctx, "fill", x.device()), std::ssize(x), value, x.data());
  }
}

void scale(Context& ctx, float factor, Vector x) {
  switch (x.device().kind) {
    case DeviceKind::kCpu:
      return backends::cpu::scale(ctx, factor, x);
    case DeviceKind::kCuda:
      return backends::cuda::scale(queue_of(ctx, "scale", x.device()), std::ssize(x), factor, x.data());
  }
}

void add_forward(Context& ctx, ConstMatrix x, Matrix y) {
  check_shape("add x", x, y.rows, y.cols);
  switch (common_device("add", {{"x", x.device}, {"y", y.device}}).kind) {
    case DeviceKind::kCpu:
      return backends::cpu::add(ctx, x.flat(), y.flat());
    case DeviceKind::kCuda:
      return backends::cuda::add(queue_of(ctx, "add", y.device), y.size(), x.data, y.data);
  }
}

void bias_forward(Context& ctx, ConstVector bias, Matrix y) {
  check_length("bias", bias, y.cols);
  switch (common_device("bias_forward", {{"bias", bias.device()}, {"y", y.device}}).kind) {
    case DeviceKind::kCpu:
      return backends::cpu::add_bias(ctx, bias, y);
    case DeviceKind::kCuda:
      return backends::cuda::add_bias(queue_of(ctx, "bias_forward", y.device), y.rows, y.cols, bias.data(),
                                      y.data);
  }
}

void bias_backward(Context& ctx, ConstMatrix dy, Vector dbias) {
  check_length("bias gradient", dbias, dy.cols);
  switch (common_device("bias_backward", {{"dy", dy.device}, {"dbias", dbias.device()}}).kind) {
    case DeviceKind::kCpu:
      return backends::cpu::add_column_sums(ctx, dy, dbias);
    case DeviceKind::kCuda:
      return backends::cuda::add_column_sums(queue_of(ctx, "bias_backward", dy.device), dy.rows, dy.cols,
                                             dy.data, dbias.data());
  }
}

DropoutMask dropout_mask(float rate, std::uint64_t seed, std::uint64_t stream) {
  LQ_CHECK(rate >= 0.0F && rate < 1.0F, kInvalidArgument,
           "[dropout] a rate must be at least 0 and below 1, but it is {}", rate);
  return {seed, stream, static_cast<std::uint32_t>(std::lround(rate * 65536.0F)), 1.0F / (1.0F - rate)};
}

void dropout_forward(Context& ctx, const DropoutMask& mask, ConstMatrix x, Matrix y) {
  check_shape("dropout y", y, x.rows, x.cols);
  switch (common_device("dropout", {{"x", x.device}, {"y", y.device}}).kind) {
    case DeviceKind::kCpu:
      return backends::cpu::dropout(ctx, mask, x, y);
    case DeviceKind::kCuda:
      return backends::cuda::dropout(queue_of(ctx, "dropout", x.device), mask, x.size(), x.data, y.data);
  }
}

void dropout_forward(Context& ctx, const DropoutMask& all, const std::uint64_t& draw, ConstMatrix x,
                     Matrix y) {
  check_shape("dropout y", y, x.rows, x.cols);
  switch (common_device("dropout", {{"x", x.device}, {"y", y.device}}).kind) {
    case DeviceKind::kCpu: {
      const auto key = Rng(all.seed, all.stream).words(draw);
      const DropoutMask mask{(std::uint64_t{key[0]} << 32) | key[1], key[2], all.below, all.grow};
      return backends::cpu::dropout(ctx, mask, x, y);
    }
    case DeviceKind::kCuda:
      return backends::cuda::dropout(queue_of(ctx, "dropout", x.device), all, draw, x.size(), x.data, y.data);
  }
}

}  // namespace lq
