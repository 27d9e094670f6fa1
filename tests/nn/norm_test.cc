// Kinds of norms against each other and against differences; the ops below stand against double in tests/ops.
#include "nn/norm.h"

#include <gtest/gtest.h>

#include "base/progress.h"
#include "reference/numbers.h"

namespace lq {
namespace {

constexpr std::int64_t kNormTokens = 5, kNormWidth = 6;

struct NormCase {
  ThreadPool pool{2};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  Parameter w, b;
  std::vector<float> x = reference::normals(2 * kNormTokens * kNormWidth, 1);
  std::vector<float> dy = reference::normals(2 * kNormTokens * kNormWidth, 2);

  NormCase() {
    for (Parameter* p : {&w, &b}) {
      p->value = Tensor::empty(DType::kF32, {kNormWidth});
      const auto v = reference::normals(kNormWidth, p == &w ? 3 : 4);
      std::copy(v.begin(), v.end(), p->value.mutable_data<float>());
    }
  }
  // Two parts of a row, each normalized by itself.
  ConstMatrix in() const { return {x.data(), kNormTokens, 2 * kNormWidth}; }
  std::vector<float> run(const Norm& norm) {
    std::vector<float> y(x.size());
    norm.forward(ctx, ws, in(), {y.data(), kNormTokens, 2 * kNormWidth});
    return y;
  }
  double weighted(const Norm& norm) {
    const auto y = run(norm);
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += double{y[i]} * dy[i];
    return sum;
  }
};

TEST(Norm, OnePlusTheWeightIsTheRmsNormOfThatWeight) {
  NormCase c;
  const auto one_plus = c.run(Norm(NormKind::kRmsOnePlus, 1e-6F, c.w));
  for (std::int64_t i = 0; i < kNormWidth; ++i) c.w.value.mutable_data<float>()[i] += 1.0F;
  EXPECT_EQ(one_plus, c.run(Norm(NormKind::kRms, 1e-6F, c.w)));
}

TEST(Norm, ALayerNormHasTheBiasAsItsMeanWhereWeightsAreEqual) {
  NormCase c;
  for (std::int64_t i = 0; i < kNormWidth; ++i) c.w.value.mutable_data<float>()[i] = 2.0F;
  double bias = 0.0;
  for (std::int64_t i = 0; i < kNormWidth; ++i) bias += c.b.value.data<float>()[i] / kNormWidth;
  const auto y = c.run(Norm(NormKind::kLayer, 1e-6F, c.w, &c.b));
  for (std::size_t part = 0; part < y.size(); part += kNormWidth) {
    double mean = 0.0;
    for (std::size_t i = 0; i < kNormWidth; ++i) mean += y[part + i] / kNormWidth;
    EXPECT_NEAR(mean, bias, 1e-6);
  }
}

TEST(Norm, GradientsOfEveryKindEqualDifferences) {
  for (const NormKind kind : {NormKind::kRms, NormKind::kRmsOnePlus, NormKind::kLayer}) {
    NormCase c;
    const bool layer = kind == NormKind::kLayer;
    const Norm norm(kind, 1e-3F, c.w, layer ? &c.b : nullptr);
    c.w.make_trainable();
    EXPECT_TRUE(norm.learns());
    // The bias learns in a second pass: with the weight and alone, both have to work.
    if (layer) c.b.make_trainable();
    std::vector<float> dx(c.x.size(), 0.0F), y(c.x.size());
    {
      Scratch scratch(c.ws);
      const Matrix to{dx.data(), kNormTokens, 2 * kNormWidth};
      const NormSaved saved = norm.saved(scratch, c.in());
      norm.forward(c.ctx, c.ws, c.in(), {y.data(), kNormTokens, 2 * kNormWidth}, saved);
      norm.backward(c.ctx, c.ws, c.in(), saved, {c.dy.data(), kNormTokens, 2 * kNormWidth}, to);
    }
    const auto slope = [&](float& at) {
      constexpr float kStep = 1.0F / 64.0F;
      const float was = at;
      at = was + kStep;
      const double above = c.weighted(norm);
      at = was - kStep;
      const double below = c.weighted(norm);
      at = was;
      return (above - below) / (2.0 * kStep);
    };
    // Third derivatives times the step's square, and f32 over the step.
    for (std::size_t i = 0; i < c.x.size(); ++i) EXPECT_NEAR(dx[i], slope(c.x[i]), 6e-3) << i;
    for (std::int64_t i = 0; i < kNormWidth; ++i) {
      EXPECT_NEAR(c.w.grad.data<float>()[i], slope(c.w.value.mutable_data<float>()[i]), 1e-3) << i;
      if (layer) {
        EXPECT_NEAR(c.b.grad.data<float>()[i], slope(c.b.value.mutable_data<float>()[i]), 1e-3) << i;
      }
    }
    if (!layer) continue;
    const std::vector<float> both(c.b.grad.data<float>(), c.b.grad.data<float>() + kNormWidth);
    c.w.freeze(), c.b.zero_grad();
    Scratch scratch(c.ws);
    const NormSaved saved = norm.saved(scratch, c.in());
    norm.forward(c.ctx, c.ws, c.in(), {y.data(), kNormTokens, 2 * kNormWidth}, saved);
    norm.backward(c.ctx, c.ws, c.in(), saved, {c.dy.data(), kNormTokens, 2 * kNormWidth},
                  {dx.data(), kNormTokens, 2 * kNormWidth});
    EXPECT_EQ(both, std::vector<float>(c.b.grad.data<float>(), c.b.grad.data<float>() + kNormWidth));
  }
}

}  // namespace
}  // namespace lq
