#include "ops/soft_cap.h"

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

constexpr float kCap = 5.0F;
constexpr double kCapRoundings = 12;  // of the tangent and three products

OpCase cap_forward(std::int64_t rows, std::int64_t cols) {
  const auto x = normals(static_cast<std::size_t>(rows * cols), 1, 6.0F);
  op_driver::Expected y{0, {}, {}};
  for (const float v : x) {
    y.values.push_back(kCap * std::tanh(double{v} / kCap));
    y.bounds.push_back(kCapRoundings * kRounding * std::abs(y.values.back()));
  }
  return {.name = "soft_cap_forward",
          .operands = {{"x", rows, cols, x}},
          .run = [](Context& ctx, Workspace&,
                    const std::vector<Matrix>& m) { soft_cap_forward(ctx, kCap, m[0]); },
          .expected = {y},
          .twin =
              [](const std::vector<Matrix>& m) {
                for (std::int64_t i = 0; i < m[0].size(); ++i)
                  backends::cuda::SoftCapForward{kCap, m[0].data}(i);
              }};
}

OpCase cap_backward(std::int64_t rows, std::int64_t cols) {
  const auto n = static_cast<std::size_t>(rows * cols);
  std::vector<float> capped = normals(n, 1, 6.0F);
  for (float& v : capped) v = kCap * std::tanh(v / kCap);
  const auto dy = normals(n, 2);
  op_driver::Expected dx{1, {}, {}};
  for (std::size_t i = 0; i < n; ++i) {
    const double t = double{capped[i]} / kCap;
    dx.values.push_back(dy[i] * (1.0 - t * t));
    dx.bounds.push_back(kCapRoundings * kRounding * std::abs(dy[i]));  // 1 - t^2 loses what it is less than 1
  }
  return {.name = "soft_cap_backward",
          .operands = {{"capped", rows, cols, capped}, {"dx", rows, cols, dy}},
          .run = [](Context& ctx, Workspace&,
                    const std::vector<Matrix>& m) { soft_cap_backward(ctx, kCap, m[0], m[1]); },
          .expected = {dx},
          .twin =
              [](const std::vector<Matrix>& m) {
                for (std::int64_t i = 0; i < m[0].size(); ++i)
                  backends::cuda::SoftCapBackward{kCap, m[0].data, m[1].data}(i);
              }};
}

TEST(SoftCap, BothWaysOnEveryDevice) {
  for (const auto& [rows, cols] : op_driver::sizes()) {
    check_op(cap_forward(rows, cols));
    check_op(cap_backward(rows, cols));
  }
}

TEST(SoftCap, RefusesACapThatIsNotAboveZero) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  float x = 1.0F;
  EXPECT_THROW(soft_cap_forward(ctx, 0.0F, {&x, 1, 1}), Error);
}

}  // namespace
}  // namespace lq
