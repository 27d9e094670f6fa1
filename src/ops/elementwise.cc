#include "ops/elementwise.h"

#include <cmath>

#include "backends/cpu/elementwise.h"
#include "ops/dispatch.h"

namespace lq {

void fill(Context& ctx, Vector x, float value) {
  cpu_only("fill", {{"x", x.device()}});
  backends::cpu::fill(ctx, x, value);
}

void scale(Context& ctx, float factor, Vector x) {
  cpu_only("scale", {{"x", x.device()}});
  backends::cpu::scale(ctx, factor, x);
}

void add_forward(Context& ctx, ConstMatrix x, Matrix y) {
  check_shape("add x", x, y.rows, y.cols);
  cpu_only("add", {{"x", x.device}, {"y", y.device}});
  backends::cpu::add(ctx, x.flat(), y.flat());
}

void bias_forward(Context& ctx, ConstVector bias, Matrix y) {
  check_length("bias", bias, y.cols);
  cpu_only("bias_forward", {{"bias", bias.device()}, {"y", y.device}});
  backends::cpu::add_bias(ctx, bias, y);
}

void bias_backward(Context& ctx, ConstMatrix dy, Vector dbias) {
  check_length("bias gradient", dbias, dy.cols);
  cpu_only("bias_backward", {{"dy", dy.device}, {"dbias", dbias.device()}});
  backends::cpu::add_column_sums(ctx, dy, dbias);
}

DropoutMask dropout_mask(float rate, std::uint64_t seed, std::uint64_t stream) {
  LQ_CHECK(rate >= 0.0F && rate < 1.0F, kInvalidArgument,
           "[dropout] a rate must be at least 0 and below 1, but it is {}", rate);
  return {seed, stream, static_cast<std::uint32_t>(std::lround(rate * 65536.0F)), 1.0F / (1.0F - rate)};
}

void dropout_forward(Context& ctx, const DropoutMask& mask, ConstMatrix x, Matrix y) {
  check_shape("dropout y", y, x.rows, x.cols);
  cpu_only("dropout", {{"x", x.device}, {"y", y.device}});
  backends::cpu::dropout(ctx, mask, x, y);
}

}  // namespace lq
