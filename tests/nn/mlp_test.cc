// Gated and plain feed-forward layers: gradients equal differences. Whole models stand against transformers.
#include "nn/mlp.h"

#include <gtest/gtest.h>

#include "base/progress.h"
#include "nn/dense_weight.h"
#include "reference/numbers.h"

namespace lq {
namespace {

constexpr std::int64_t kMlpDim = 5, kMlpInner = 7, kMlpTokens = 4;

struct MlpCase {
  ThreadPool pool{2};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  Parameter gate, up, down;
  std::vector<float> x = reference::normals(kMlpTokens * kMlpDim, 4);
  std::vector<float> dy = reference::normals(kMlpTokens * kMlpDim, 5);

  MlpCase() {
    set(gate, kMlpInner, kMlpDim, 1), set(up, kMlpInner, kMlpDim, 2), set(down, kMlpDim, kMlpInner, 3);
  }
  static void set(Parameter& p, std::int64_t rows, std::int64_t cols, std::uint64_t stream) {
    p.value = Tensor::empty(DType::kF32, {rows, cols});
    const auto v = reference::normals(static_cast<std::size_t>(rows * cols), stream, 0.5F);
    std::copy(v.begin(), v.end(), p.value.mutable_data<float>());
  }
  static Linear linear(Parameter& p) { return {"linear", std::make_unique<DenseWeight>(p)}; }
  Mlp mlp(bool gated, Activation activation) {
    Projections in = gated ? Projections::apart(linear(gate), linear(up)) : Projections::apart(linear(up));
    return {std::move(in), linear(down), activation};
  }
  ConstMatrix in() const { return {x.data(), kMlpTokens, kMlpDim}; }
  // Sum of y * dy; dx where wanted.
  double run(bool gated, Activation a, std::vector<float>* dx) {
    Mlp m = mlp(gated, a);
    Scratch scratch(ws);
    const MlpTape tape{scratch.matrix(kMlpTokens, gated ? kMlpInner : 0),
                       scratch.matrix(kMlpTokens, kMlpInner)};
    std::vector<float> y(x.size());
    m.project(ctx, ws, in(), tape);
    m.finish(ctx, ws, tape, {y.data(), kMlpTokens, kMlpDim});
    if (dx != nullptr) {
      dx->resize(x.size());
      m.backward(ctx, ws, in(), tape, {dy.data(), kMlpTokens, kMlpDim}, {dx->data(), kMlpTokens, kMlpDim});
    }
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += double{y[i]} * dy[i];
    return sum;
  }
};

TEST(Mlp, GradientsEqualDifferences) {
  for (const bool gated : {true, false}) {
    for (const Activation a : {Activation::kSilu, Activation::kGeluTanh, Activation::kGelu}) {
      MlpCase c;
      for (Parameter* p : {&c.gate, &c.up, &c.down}) p->make_trainable();
      std::vector<float> dx;
      c.run(gated, a, &dx);
      const auto slope = [&](float& at) {
        constexpr float kStep = 1.0F / 64.0F;
        const float was = at;
        at = was + kStep;
        const double above = c.run(gated, a, nullptr);
        at = was - kStep;
        const double below = c.run(gated, a, nullptr);
        at = was;
        return (above - below) / (2.0 * kStep);
      };
      for (std::size_t i = 0; i < dx.size(); ++i) EXPECT_NEAR(dx[i], slope(c.x[i]), 3e-3) << i;
      for (Parameter* p : {&c.gate, &c.up, &c.down}) {
        const std::vector<float> grad(p->grad.data<float>(), p->grad.data<float>() + p->grad.numel());
        for (std::size_t i = 0; i < grad.size(); ++i) {
          EXPECT_NEAR(grad[i], slope(p->value.mutable_data<float>()[i]), 3e-3) << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace lq
