// One layer that holds several projections gives what they give one by one.
#include "nn/projections.h"

#include <gtest/gtest.h>

#include <array>

#include "base/progress.h"
#include "nn/dense_weight.h"
#include "reference/numbers.h"

namespace lq {
namespace {

constexpr std::int64_t kInputs = 5, kRowsOfX = 7;
constexpr std::array<std::int64_t, 3> kWidths = {4, 2, 3};

struct ProjectionCase {
  ThreadPool pool{2};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  std::array<Parameter, 3> parts;
  Parameter whole;
  std::vector<float> x = reference::normals(kRowsOfX * kInputs, 8);

  ProjectionCase() {
    whole.value = Tensor::empty(DType::kF32, {9, kInputs});
    float* to = whole.value.mutable_data<float>();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      parts[i].value = Tensor::empty(DType::kF32, {kWidths[i], kInputs});
      const auto v = reference::normals(static_cast<std::size_t>(kWidths[i] * kInputs), i + 1);
      std::copy(v.begin(), v.end(), parts[i].value.mutable_data<float>());
      to = std::copy(v.begin(), v.end(), to);
      parts[i].make_trainable();
    }
    whole.make_trainable();
  }
  static Linear linear(const char* name, Parameter& p) { return {name, std::make_unique<DenseWeight>(p)}; }
  Projections apart() {
    return Projections::apart(linear("q", parts[0]), linear("k", parts[1]), linear("v", parts[2]));
  }
  Projections fused() { return Projections::fused(linear("qkv", whole), {kWidths.begin(), kWidths.end()}); }
  // Outputs, then dx.
  std::vector<float> both_ways(Projections p) {
    std::vector<float> all;
    std::vector<std::vector<float>> y, dy;
    std::vector<Matrix> to, from;
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(p.out(static_cast<std::int64_t>(i)), kWidths[i]);
      y.emplace_back(static_cast<std::size_t>(kRowsOfX * kWidths[i]));
      dy.push_back(reference::normals(y.back().size(), 20 + i));
    }
    for (std::size_t i = 0; i < 3; ++i) {
      to.push_back({y[i].data(), kRowsOfX, kWidths[i]});
      from.push_back({dy[i].data(), kRowsOfX, kWidths[i]});
    }
    std::vector<float> dx(x.size());
    p.forward(ctx, ws, {x.data(), kRowsOfX, kInputs}, to);
    p.backward(ctx, ws, {x.data(), kRowsOfX, kInputs}, from, {dx.data(), kRowsOfX, kInputs});
    for (const auto& part : y) all.insert(all.end(), part.begin(), part.end());
    all.insert(all.end(), dx.begin(), dx.end());
    return all;
  }
};

TEST(Projections, FusedEqualsApart) {
  ProjectionCase c;
  const auto one = c.both_ways(c.apart());
  const auto other = c.both_ways(c.fused());
  ASSERT_EQ(one.size(), other.size());
  // dx is a sum over nine outputs, in another order.
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], other[i], 1e-5) << i;
  const float* all = c.whole.grad.data<float>();
  for (const Parameter& p : c.parts) {
    for (std::int64_t i = 0; i < p.grad.numel(); ++i) EXPECT_NEAR(p.grad.data<float>()[i], *all++, 1e-5);
  }
}

TEST(Projections, WidthsThatDoNotFitAreRefused) {
  ProjectionCase c;
  EXPECT_THROW(Projections::fused(ProjectionCase::linear("qkv", c.whole), {4, 4}), Error);
}

}  // namespace
}  // namespace lq
