#include "ops/tanh_relu.h"

#include <gtest/gtest.h>

#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using op_driver::check_op;
using op_driver::kRounding;
using op_driver::OpCase;
using reference::normals;

constexpr double kTanhRoundings = 4;  // of libm's tanh, the square, the difference and the product

OpCase activation_case(bool is_tanh, bool backward, std::int64_t rows, std::int64_t cols) {
  const auto n = static_cast<std::size_t>(rows * cols);
  auto x = normals(n, 1, 2.0F);
  const auto dy = normals(n, 2);
  op_driver::Expected out{backward ? 1U : 0U, {}, {}};
  for (std::size_t i = 0; i < n; ++i) {
    if (backward && is_tanh) x[i] = std::tanh(x[i]);
    const double v = x[i];
    const double value = !backward ? (is_tanh ? std::tanh(v) : std::max(v, 0.0))
                         : is_tanh ? dy[i] * (1.0 - v * v)
                                   : (v > 0.0 ? dy[i] : 0.0);
    out.values.push_back(value);
    out.bounds.push_back(is_tanh ? kTanhRoundings * kRounding * (backward ? std::abs(dy[i]) : 1.0) : 0.0);
  }
  return {.name = std::string(is_tanh ? "tanh" : "relu") + (backward ? " backward" : " forward"),
          .operands = {{"x", rows, cols, x}, {"dy", rows, cols, dy}},
          .run =
              [is_tanh, backward](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                if (!backward)
                  return is_tanh ? tanh_forward(ctx, m[0].flat()) : relu_forward(ctx, m[0].flat());
                is_tanh ? tanh_backward(ctx, m[0].flat(), m[1].flat())
                        : relu_backward(ctx, m[0].flat(), m[1].flat());
              },
          .expected = {out},
          .twin = {},
          .cpu_only = true};
}

TEST(TanhRelu, EveryDevice) {
  for (const auto& [rows, cols] : op_driver::sizes()) {
    for (const bool is_tanh : {true, false}) {
      for (const bool backward : {true, false}) check_op(activation_case(is_tanh, backward, rows, cols));
    }
  }
}

}  // namespace
}  // namespace lq
