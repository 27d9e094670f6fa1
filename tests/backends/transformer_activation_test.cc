// Activations, gates and soft caps against the same formulas in double, over lengths that leave every
// remainder of a vector; what lies past the end stays as it was.
#include "backends/cpu/transformer_activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;

// In f32: of the exponential, the tangent or the error function (a few units in the last place each), and
// the products around them.
constexpr double kRoundingsOfOne = 16 * 0x1p-24;
constexpr Activation kActivations[] = {Activation::kSilu, Activation::kGeluTanh, Activation::kGelu,
                                       Activation::kRelu};
constexpr float kGuard = -77.0F;

double value_in_double(Activation a, double v) {
  switch (a) {
    case Activation::kSilu:
      return v / (1.0 + std::exp(-v));
    case Activation::kGeluTanh:
      return 0.5 * v * (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (v + 0.044715 * v * v * v)));
    case Activation::kGelu:
      return 0.5 * v * (1.0 + std::erf(v / std::numbers::sqrt2));
    case Activation::kRelu:
      return std::max(v, 0.0);
  }
  return 0.0;
}

// By the central difference: its own error, h^2 / 6 times the third derivative (2 at most) and rounding over
// h, is below 1e-9.
double slope_in_double(Activation a, double v) {
  if (a == Activation::kRelu) return v > 0.0 ? 1.0 : 0.0;
  const double h = 3e-6;
  return (value_in_double(a, v + h) - value_in_double(a, v - h)) / (2.0 * h);
}

// Slopes err by their parts; the tangent's inner slope grows with v^2 before it dies out.
double slope_error(double v) {
  const double near = std::min(std::abs(v), 10.0);
  return kRoundingsOfOne * (1.0 + near * (0.8 + 0.11 * near * near)) + 1e-9;
}

std::vector<float> with_guard(std::vector<float> x) {
  x.push_back(kGuard);
  return x;
}

std::vector<float> odd_values(std::size_t n) {
  auto x = normals(n, 1, 3.0F);
  const float extreme[] = {-40.0F, 0.0F, 11.0F, -0.0F, -11.0F, 40.0F};
  for (std::size_t i = 0; i < n && i < 6; ++i) x[n - 1 - i] = extreme[i];
  return x;
}

TEST(TransformerActivation, ValuesAndSlopes) {
  for (const Activation a : kActivations) {
    for (const std::size_t n : {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 100, 257}) {
      const auto count = static_cast<std::int64_t>(n);
      const auto x = odd_values(n);
      const auto dy = normals(n, 2);
      auto y = with_guard(x), dx = with_guard(x);
      activation_forward(a, count, x.data(), y.data());
      activation_backward(a, count, x.data(), dy.data(), dx.data());
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_NEAR(y[i], value_in_double(a, x[i]), kRoundingsOfOne * std::abs(x[i])) << x[i];
        ASSERT_NEAR(dx[i], dy[i] * slope_in_double(a, x[i]), std::abs(dy[i]) * slope_error(x[i])) << x[i];
      }
      EXPECT_EQ(y[n], kGuard);
      EXPECT_EQ(dx[n], kGuard);
      auto in_place = x;  // y may be x, dx may be x or dy
      activation_forward(a, count, in_place.data(), in_place.data());
      y.pop_back(), dx.pop_back();
      EXPECT_EQ(in_place, y);
      in_place = x;
      activation_backward(a, count, in_place.data(), dy.data(), in_place.data());
      EXPECT_EQ(in_place, dx);
      in_place = dy;
      activation_backward(a, count, x.data(), in_place.data(), in_place.data());
      EXPECT_EQ(in_place, dx);
    }
  }
}

TEST(TransformerActivation, GatesAndTheirGradients) {
  for (const Activation a : kActivations) {
    for (const std::size_t n : {1, 5, 8, 23, 64, 131}) {
      const auto count = static_cast<std::int64_t>(n);
      const auto gate = odd_values(n);
      const auto up = normals(n, 2), dout = normals(n, 3);
      auto out = with_guard(gate), dgate = with_guard(gate), dup = with_guard(gate);
      gate_forward(a, count, gate.data(), up.data(), out.data());
      gate_backward(a, count, gate.data(), up.data(), dout.data(), dgate.data(), dup.data());
      for (std::size_t i = 0; i < n; ++i) {
        const double value = value_in_double(a, gate[i]), error = kRoundingsOfOne * std::abs(gate[i]);
        const double outer = double{dout[i]} * up[i];
        ASSERT_NEAR(out[i], value * up[i], error * std::abs(up[i]));
        ASSERT_NEAR(dgate[i], outer * slope_in_double(a, gate[i]), std::abs(outer) * slope_error(gate[i]));
        ASSERT_NEAR(dup[i], value * dout[i], error * std::abs(dout[i]));
      }
      EXPECT_EQ(out[n], kGuard);
      EXPECT_EQ(dgate[n], kGuard);
      EXPECT_EQ(dup[n], kGuard);
      auto gate_in_place = gate, up_in_place = up;  // dgate may be gate and dup may be up
      gate_backward(a, count, gate_in_place.data(), up_in_place.data(), dout.data(), gate_in_place.data(),
                    up_in_place.data());
      dgate.pop_back(), dup.pop_back();
      EXPECT_EQ(gate_in_place, dgate);
      EXPECT_EQ(up_in_place, dup);
    }
  }
}

TEST(TransformerActivation, FarOutAndBroken) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const Activation a : kActivations) {
    const std::vector<float> x = {1e30F, -1e30F, 3e38F, -100.0F, std::nanf(""), inf, 0.0F};
    std::vector<float> y(x.size()), dx(x.size());
    const std::vector<float> dy(x.size(), 1.0F);
    activation_forward(a, 7, x.data(), y.data());
    activation_backward(a, 7, x.data(), dy.data(), dx.data());
    EXPECT_EQ(y[0], 1e30F);
    EXPECT_NEAR(y[1], 0.0F, kRoundingsOfOne * 1e30);
    EXPECT_EQ(y[2], 3e38F);
    EXPECT_NEAR(y[3], 0.0F, kRoundingsOfOne * 100);
    EXPECT_TRUE(std::isnan(y[4])) << static_cast<int>(a);
    EXPECT_EQ(y[5], inf);
    EXPECT_EQ(y[6], 0.0F);
    for (const std::size_t i : {0, 2}) EXPECT_EQ(dx[i], 1.0F);
    for (const std::size_t i : {1, 3}) EXPECT_NEAR(dx[i], 0.0F, kRoundingsOfOne);
  }
}

TEST(TransformerActivation, SoftCaps) {
  for (const float cap : {1.0F, 30.0F, 50.0F}) {
    for (const std::size_t n : {0, 1, 7, 16, 33, 129}) {
      const auto count = static_cast<std::int64_t>(n);
      const auto x = normals(n, 1, 2.0F * cap), dy = normals(n, 2);
      auto y = with_guard(x), dx = with_guard(dy);
      soft_cap_forward(count, cap, y.data());
      soft_cap_backward(count, cap, y.data(), dx.data());
      for (std::size_t i = 0; i < n; ++i) {
        const double t = std::tanh(double{x[i]} / cap);
        ASSERT_NEAR(y[i], cap * t, kRoundingsOfOne * cap * std::abs(t));
        // The slope is 1 - t^2, and t errs by kRoundingsOfOne of itself.
        ASSERT_NEAR(dx[i], dy[i] * (1.0 - t * t), 3.0 * kRoundingsOfOne * std::abs(dy[i]));
      }
      EXPECT_EQ(y[n], kGuard);
      EXPECT_EQ(dx[n], kGuard);
    }
  }
}

}  // namespace
}  // namespace lq::backends
