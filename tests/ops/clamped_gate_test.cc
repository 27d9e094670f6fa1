#include "ops/clamped_gate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backends/cuda/elementwise_element.h"
#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using op_driver::check_op;
using op_driver::kRounding;
using op_driver::OpCase;
using reference::normals;

// Where exp(-alpha g) nears the largest f32 the share may be off by as much as 1e-38.
constexpr double kGateSmallest = 1e-38;
constexpr GateClamp kCutGate = {.alpha = 1.702F, .limit = 7.0F};

// Numbers of which some are cut, and some stand at the limit itself.
struct CutGates {
  std::vector<float> gate, up, dout;
  CutGates(std::int64_t rows, std::int64_t cols) {
    const auto n = static_cast<std::size_t>(rows * cols);
    gate = normals(n, 1, 6.0F);
    up = normals(n, 2, 6.0F);
    dout = normals(n, 3);
    const float special[] = {7.0F, -7.0F, 7.5F, -7.5F, 0.0F, 1e30F, -1e30F, -60.0F};
    for (std::size_t i = 0; i < n && i < 8; ++i) {
      gate[n - 1 - i] = special[i];
      up[n - 1 - i] = special[7 - i];
    }
  }
};

double cut_gate(float v) { return std::min(double{v}, double{kCutGate.limit}); }
double cut_up(float v) { return std::clamp(double{v}, -double{kCutGate.limit}, double{kCutGate.limit}); }
// Of exp(), its sum, quotient and the products: about a dozen roundings; one of exp's argument is as many of
// its value as the argument is large, and counts twice in the slope.
double rounding_of_gate(double g) { return (20.0 + 2.0 * double{kCutGate.alpha} * std::abs(g)) * kRounding; }
double share_of_gate(double g) { return 1.0 / (1.0 + std::exp(-double{kCutGate.alpha} * g)); }

OpCase gate_forward_case(std::int64_t rows, std::int64_t cols) {
  const CutGates c(rows, cols);
  op_driver::Expected out{2, {}, {}};
  for (std::size_t i = 0; i < c.gate.size(); ++i) {
    const double g = cut_gate(c.gate[i]);
    const double u = cut_up(c.up[i]);
    const double glu = g * share_of_gate(g);
    out.values.push_back((u + 1.0) * glu);
    // u + 1 is not rounded by itself: what it loses of 1 is a rounding of glu.
    out.bounds.push_back(rounding_of_gate(g) * (std::abs(u) + 1.0) * std::abs(glu) +
                         kGateSmallest * (std::abs(u) + 1.0) * std::abs(g));
  }
  return {.name = "clamped_gate_forward",
          .operands = {{"gate", rows, cols, c.gate}, {"up", rows, cols, c.up}, {"out", rows, cols, c.dout}},
          .run = [](Context& ctx, Workspace&,
                    const std::vector<Matrix>& m) { clamped_gate_forward(ctx, kCutGate, m[0], m[1], m[2]); },
          .expected = {out},
          .twin =
              [](const std::vector<Matrix>& m) {
                const backends::cuda::ClampedGateForward thread{kCutGate, m[0].data, m[1].data, m[2].data};
                for (std::int64_t i = 0; i < m[0].size(); ++i) thread(i);
              }};
}

// In place, as the engine does: gate becomes dgate and up becomes dup.
OpCase gate_backward_case(std::int64_t rows, std::int64_t cols) {
  const CutGates c(rows, cols);
  op_driver::Expected dgate{0, {}, {}};
  op_driver::Expected dup{1, {}, {}};
  for (std::size_t i = 0; i < c.gate.size(); ++i) {
    const double g = cut_gate(c.gate[i]);
    const double u = cut_up(c.up[i]);
    const double s = share_of_gate(g);
    const double slope = s + double{kCutGate.alpha} * g * s * (1.0 - s);
    const bool gate_whole = c.gate[i] <= kCutGate.limit;
    const bool up_whole = std::abs(c.up[i]) <= kCutGate.limit;
    const double size = std::abs(double{c.dout[i]}) * (std::abs(u) + 1.0);
    dgate.values.push_back(gate_whole ? c.dout[i] * (u + 1.0) * slope : 0.0);
    // 1 - s loses what s has too little of 1: a rounding of 1.
    dgate.bounds.push_back(rounding_of_gate(g) * size * (s + 2.0 * std::abs(g) * s) +
                           kGateSmallest * size * (1.0 + 2.0 * std::abs(g)));
    dup.values.push_back(up_whole ? c.dout[i] * g * s : 0.0);
    dup.bounds.push_back(rounding_of_gate(g) * std::abs(c.dout[i] * g * s) +
                         kGateSmallest * std::abs(c.dout[i] * g));
  }
  return {.name = "clamped_gate_backward",
          .operands = {{"gate", rows, cols, c.gate}, {"up", rows, cols, c.up}, {"dout", rows, cols, c.dout}},
          .run =
              [](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                clamped_gate_backward(ctx, kCutGate, m[0], m[1], m[2], m[0], m[1]);
              },
          .expected = {dgate, dup},
          .twin =
              [](const std::vector<Matrix>& m) {
                const backends::cuda::ClampedGateBackward thread{kCutGate,  m[0].data, m[1].data,
                                                                 m[2].data, m[0].data, m[1].data};
                for (std::int64_t i = 0; i < m[0].size(); ++i) thread(i);
              }};
}

TEST(ClampedGateOnDevices, ForwardCutsGateAndUp) {
  for (const auto& [rows, cols] : op_driver::sizes()) check_op(gate_forward_case(rows, cols));
}

TEST(ClampedGateOnDevices, NothingFlowsBackToWhatWasCut) {
  for (const auto& [rows, cols] : op_driver::sizes()) check_op(gate_backward_case(rows, cols));
}

TEST(ClampedGate, RefusesOtherShapes) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::vector<float> x(4), y(6);
  EXPECT_THROW(clamped_gate_forward(ctx, kCutGate, {x.data(), 2, 2}, {y.data(), 2, 3}, {x.data(), 2, 2}),
               Error);
}

}  // namespace
}  // namespace lq
