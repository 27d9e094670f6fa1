#include "ops/silu_mul.h"

#include <gtest/gtest.h>

#include "backends/cuda/elementwise_element.h"
#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using op_driver::check_op;
using op_driver::kRounding;
using op_driver::OpCase;
using reference::normals;

// Of exp(), its sum, quotient and the products: about a dozen roundings. Where exp(-v) nears the largest f32
// the sigmoid may be off by as much as 1e-38.
constexpr double kRoundings = 16;
constexpr double kSmallest = 1e-38;

double sigmoid_in_double(double v) { return 1.0 / (1.0 + std::exp(-v)); }

struct Gates {
  std::vector<float> gate, up, dout;
  Gates(std::int64_t rows, std::int64_t cols) {
    const auto n = static_cast<std::size_t>(rows * cols);
    gate = normals(n, 1, 5.0F);
    up = normals(n, 2);
    dout = normals(n, 3);
    const float extreme[] = {-1e30F, -200.0F, -90.0F, 0.0F, 90.0F, 200.0F, 1e30F};
    for (std::size_t i = 0; i < n && i < 7; ++i) gate[n - 1 - i] = extreme[i];
  }
};

std::string text_of(std::int64_t rows, std::int64_t cols) {
  return " " + std::to_string(rows) + " x " + std::to_string(cols);
}

OpCase silu_forward_case(std::int64_t rows, std::int64_t cols) {
  const Gates g(rows, cols);
  op_driver::Expected out{2, {}, {}};
  for (std::size_t i = 0; i < g.gate.size(); ++i) {
    const double value = g.gate[i] * sigmoid_in_double(g.gate[i]) * g.up[i];
    out.values.push_back(value);
    out.bounds.push_back(kRoundings * kRounding * std::abs(value) +
                         kSmallest * std::abs(double{g.gate[i]} * g.up[i]));
  }
  return {.name = "silu_mul_forward" + text_of(rows, cols),
          .operands = {{"gate", rows, cols, g.gate}, {"up", rows, cols, g.up}, {"out", rows, cols, g.dout}},
          .run = [](Context& ctx, Workspace&,
                    const std::vector<Matrix>& m) { silu_mul_forward(ctx, m[0], m[1], m[2]); },
          .expected = {out},
          .twin =
              [](const std::vector<Matrix>& m) {
                for (std::int64_t i = 0; i < m[0].size(); ++i)
                  m[2].data[i] = backends::cuda::silu_mul(m[0].data[i], m[1].data[i]);
              }};
}

// In place, as the engine does: gate becomes dgate and up becomes dup.
OpCase silu_backward_case(std::int64_t rows, std::int64_t cols) {
  const Gates g(rows, cols);
  op_driver::Expected dgate{0, {}, {}};
  op_driver::Expected dup{1, {}, {}};
  for (std::size_t i = 0; i < g.gate.size(); ++i) {
    const double s = sigmoid_in_double(g.gate[i]);
    const double silu = g.gate[i] * s;
    const double outer = double{g.dout[i]} * g.up[i];
    // 1 - s loses what s has too little of 1: a rounding of 1.
    dgate.values.push_back(outer * (silu * (1.0 - s) + s));
    dgate.bounds.push_back(kRoundings * kRounding * std::abs(outer) * (std::abs(silu) + s) +
                           kSmallest * std::abs(outer) * (1.0 + std::abs(double{g.gate[i]})));
    dup.values.push_back(g.dout[i] * silu);
    dup.bounds.push_back(kRoundings * kRounding * std::abs(g.dout[i] * silu) +
                         kSmallest * std::abs(double{g.dout[i]} * g.gate[i]));
  }
  return {.name = "silu_mul_backward" + text_of(rows, cols),
          .operands = {{"gate", rows, cols, g.gate}, {"up", rows, cols, g.up}, {"dout", rows, cols, g.dout}},
          .run = [](Context& ctx, Workspace&,
                    const std::vector<Matrix>& m) { silu_mul_backward(ctx, m[0], m[1], m[2], m[0], m[1]); },
          .expected = {dgate, dup},
          .twin =
              [](const std::vector<Matrix>& m) {
                for (std::int64_t i = 0; i < m[0].size(); ++i) {
                  const auto d = backends::cuda::silu_mul_gradient(m[0].data[i], m[1].data[i], m[2].data[i]);
                  m[0].data[i] = d.gate;
                  m[1].data[i] = d.up;
                }
              }};
}

TEST(SiluMul, ForwardOnEveryDevice) {
  for (const auto& [rows, cols] : op_driver::sizes()) check_op(silu_forward_case(rows, cols));
}

TEST(SiluMul, BackwardOnEveryDevice) {
  for (const auto& [rows, cols] : op_driver::sizes()) check_op(silu_backward_case(rows, cols));
}

}  // namespace
}  // namespace lq
