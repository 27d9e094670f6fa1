#include "ops/activation.h"

#include <gtest/gtest.h>

#include <numbers>

#include "backends/cuda/elementwise_element.h"
#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;

using op_driver::check_op;
using op_driver::kRounding;
using op_driver::OpCase;
using reference::normals;

// Of the tangent or the error function (a few units in the last place each) and the products around them.
constexpr double kActivationRoundings = 16;
constexpr Activation kAll[] = {Activation::kSilu, Activation::kGeluTanh, Activation::kGelu,
                               Activation::kRelu};

struct ValueAndSlope {
  double value, slope;
};

ValueAndSlope in_double(Activation a, double v) {
  const double root = std::sqrt(2.0 / std::numbers::pi);
  switch (a) {
    case Activation::kSilu: {
      const double s = 1.0 / (1.0 + std::exp(-v));
      return {v * s, s + v * s * (1.0 - s)};
    }
    case Activation::kGeluTanh: {
      const double t = std::tanh(root * (v + 0.044715 * v * v * v));
      const double rest = std::abs(v) > 20.0 ? 0.0 : (1.0 - t * t) * root * (1.0 + 0.134145 * v * v);
      return {0.5 * v * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * v * rest};
    }
    case Activation::kGelu: {
      const double share = 0.5 * (1.0 + std::erf(v / std::numbers::sqrt2));
      const double rest =
          std::abs(v) > 40.0 ? 0.0 : v * std::exp(-0.5 * v * v) / std::sqrt(2.0 * std::numbers::pi);
      return {v * share, share + rest};
    }
    case Activation::kRelu:
      return {std::max(v, 0.0), v > 0.0 ? 1.0 : 0.0};
  }
  return {};
}

// Slopes are off by their parts' roundings; the tangent's inner slope grows with v^2 before it dies out.
double slope_bound(double v) {
  const double near = std::min(std::abs(v), 10.0);
  return kActivationRoundings * kRounding * (1.0 + near * (0.8 + 0.11 * near * near));
}

std::string name_of(Activation a, const char* what, std::int64_t rows, std::int64_t cols) {
  return std::string(what) + " " + std::to_string(static_cast<int>(a)) + " " + std::to_string(rows) + " x " +
         std::to_string(cols);
}

std::vector<float> inputs(std::int64_t rows, std::int64_t cols) {
  const auto n = static_cast<std::size_t>(rows * cols);
  auto x = normals(n, 1, 3.0F);
  const float extreme[] = {-1e30F, -90.0F, -11.0F, 0.0F, 11.0F, 90.0F, 1e30F};
  for (std::size_t i = 0; i < n && i < 7; ++i) x[n - 1 - i] = extreme[i];
  return x;
}

OpCase plain_forward(Activation a, std::int64_t rows, std::int64_t cols) {
  const auto x = inputs(rows, cols);
  op_driver::Expected y{1, {}, {}};
  for (const float v : x) {
    y.values.push_back(in_double(a, v).value);
    y.bounds.push_back(kActivationRoundings * kRounding * std::abs(double{v}));
  }
  return {.name = name_of(a, "activation_forward", rows, cols),
          .operands = {{"x", rows, cols, x}, {"y", rows, cols, normals(x.size(), 9)}},
          .run = [a](Context& ctx, Workspace&,
                     const std::vector<Matrix>& m) { activation_forward(ctx, a, m[0], m[1]); },
          .expected = {y},
          .twin =
              [a](const std::vector<Matrix>& m) {
                for (std::int64_t i = 0; i < m[0].size(); ++i)
                  cuda::ActivationForward{a, m[0].data, m[1].data}(i);
              }};
}

OpCase plain_backward(Activation a, std::int64_t rows, std::int64_t cols) {
  const auto x = inputs(rows, cols);
  const auto dy = normals(x.size(), 2);
  op_driver::Expected dx{2, {}, {}};
  for (std::size_t i = 0; i < x.size(); ++i) {
    dx.values.push_back(dy[i] * in_double(a, x[i]).slope);
    dx.bounds.push_back(std::abs(dy[i]) * slope_bound(x[i]));
  }
  return {
      .name = name_of(a, "activation_backward", rows, cols),
      .operands = {{"x", rows, cols, x}, {"dy", rows, cols, dy}, {"dx", rows, cols, normals(x.size(), 9)}},
      .run = [a](Context& ctx, Workspace&,
                 const std::vector<Matrix>& m) { activation_backward(ctx, a, m[0], m[1], m[2]); },
      .expected = {dx},
      .twin =
          [a](const std::vector<Matrix>& m) {
            for (std::int64_t i = 0; i < m[0].size(); ++i)
              cuda::ActivationBackward{a, m[0].data, m[1].data, m[2].data}(i);
          }};
}

// In place, as the engine does: gate becomes dgate and up becomes dup.
OpCase gate_both(Activation a, bool backward, std::int64_t rows, std::int64_t cols) {
  const auto gate = inputs(rows, cols);
  const auto up = normals(gate.size(), 2);
  const auto dout = normals(gate.size(), 3);
  op_driver::Expected first{0, {}, {}}, second{1, {}, {}};
  for (std::size_t i = 0; i < gate.size(); ++i) {
    const ValueAndSlope f = in_double(a, gate[i]);
    const double outer = double{dout[i]} * up[i];
    first.values.push_back(backward ? outer * f.slope : f.value * up[i]);
    first.bounds.push_back(backward ? std::abs(outer) * slope_bound(gate[i])
                                    : kActivationRoundings * kRounding * std::abs(double{gate[i]} * up[i]));
    second.values.push_back(dout[i] * f.value);
    second.bounds.push_back(kActivationRoundings * kRounding * std::abs(double{gate[i]} * dout[i]));
  }
  std::vector<op_driver::Expected> expected = {first};
  if (backward) expected.push_back(second);
  return {.name = name_of(a, backward ? "gate_backward" : "gate_forward", rows, cols),
          .operands = {{"gate", rows, cols, gate}, {"up", rows, cols, up}, {"dout", rows, cols, dout}},
          .run =
              [a, backward](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                if (backward) return gate_backward(ctx, a, m[0], m[1], m[2], m[0], m[1]);
                gate_forward(ctx, a, m[0], m[1], m[0]);
              },
          .expected = expected,
          .twin =
              [a, backward](const std::vector<Matrix>& m) {
                for (std::int64_t i = 0; i < m[0].size(); ++i) {
                  if (backward) {
                    cuda::GateBackward{a, m[0].data, m[1].data, m[2].data, m[0].data, m[1].data}(i);
                  } else {
                    cuda::GateForward{a, m[0].data, m[1].data, m[0].data}(i);
                  }
                }
              }};
}

TEST(Activation, PlainOnEveryDevice) {
  for (const Activation a : kAll) {
    for (const auto& [rows, cols] : op_driver::sizes()) {
      check_op(plain_forward(a, rows, cols));
      check_op(plain_backward(a, rows, cols));
    }
  }
}

TEST(Activation, GatesOnEveryDevice) {
  for (const Activation a : {Activation::kGeluTanh, Activation::kGelu, Activation::kRelu}) {
    for (const auto& [rows, cols] : op_driver::sizes()) {
      check_op(gate_both(a, false, rows, cols));
      check_op(gate_both(a, true, rows, cols));
    }
  }
}

TEST(Activation, BrokenNumbersStayBroken) {
  for (const Activation a : kAll) {
    ThreadPool pool(1);
    NoProgress progress;
    Context ctx{pool, progress, 0, {}};
    std::vector<float> x = {std::nanf(""), 1.0F};
    activation_forward(ctx, a, {x.data(), 1, 2}, {x.data(), 1, 2});
    EXPECT_TRUE(std::isnan(x[0])) << static_cast<int>(a);
  }
}

}  // namespace
}  // namespace lq
