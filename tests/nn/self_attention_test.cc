// Norms of queries and keys, head by head: properties that hold for every weight. Whole models with and
// without them stand against transformers in tests/models/golden_test.cc.
#include "nn/self_attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/progress.h"
#include "nn/dense_weight.h"
#include "nn/rope_scaling.h"
#include "reference/numbers.h"

namespace lq {
namespace {

constexpr std::int64_t kHidden = 10, kHeads = 4, kKvHeads = 2, kDim = 6, kTokens = 9;

class SelfAttentionTest : public testing::Test {
 protected:
  SelfAttentionTest() {
    const std::int64_t width = kHeads * kDim, kv = kKvHeads * kDim;
    set(wq_, {width, kHidden}, 1), set(wk_, {kv, kHidden}, 2), set(wv_, {kv, kHidden}, 3);
    set(wo_, {kHidden, width}, 4), set(q_norm_, {kDim}, 5), set(k_norm_, {kDim}, 6);
    set(x_, {kTokens, kHidden}, 7), set(dy_, {kTokens, kHidden}, 8);
    const std::vector<std::int64_t> starts = {0, 4, kTokens};
    plan_.tokens = kTokens;
    plan_.segments = whole_segments(starts);
    const std::vector<std::int32_t> positions = {0, 1, 2, 3, 0, 1, 2, 3, 4};
    plan_.rope = make_rope_table(ctx_, positions, rope_frequencies({}, kDim, kTokens), 1.0F);
  }

  static void set(Parameter& p, const Shape& shape, std::uint64_t stream) {
    p.value = Tensor::empty(DType::kF32, shape);
    const auto values = reference::normals(static_cast<std::size_t>(p.value.numel()), stream);
    std::copy(values.begin(), values.end(), p.value.mutable_data<float>());
  }

  SelfAttention attention() {
    const auto linear = [](Parameter& w) { return Linear("linear", std::make_unique<DenseWeight>(w)); };
    const float scale = 1.0F / std::sqrt(static_cast<float>(kDim));
    return {Projections::apart(linear(wq_), linear(wk_), linear(wv_)), linear(wo_),
            AttentionShape{kHeads, kKvHeads, kDim, 0, scale},
            QueryKeyNorms{Norm(NormKind::kRms, 1e-12F, q_norm_), Norm(NormKind::kRms, 1e-12F, k_norm_)}};
  }

  AttentionTape tape() {
    const auto make = [&](std::int64_t rows, std::int64_t cols) {
      tensors_.push_back(Tensor::empty(DType::kF32, {rows, cols}));
      return matrix_of(tensors_.back());
    };
    AttentionTape t;
    for (Matrix* m : {&t.q, &t.out, &t.raw_q}) *m = make(kTokens, kHeads * kDim);
    for (Matrix* m : {&t.k, &t.v, &t.raw_k}) *m = make(kTokens, kKvHeads * kDim);
    t.lse = make(kHeads, kTokens);
    return t;
  }

  // y, and sum of y * dy in double.
  double forward(std::vector<float>* out = nullptr) {
    Tensor y = Tensor::empty(DType::kF32, {kTokens, kHidden});
    attention().forward(ctx_, ws_, plan_, const_matrix_of(x_.value), tape(), matrix_of(y));
    if (out != nullptr) out->assign(y.data<float>(), y.data<float>() + y.numel());
    double sum = 0.0;
    for (std::int64_t i = 0; i < y.numel(); ++i)
      sum += double{y.data<float>()[i]} * dy_.value.data<float>()[i];
    return sum;
  }

  void backward() {
    SelfAttention a = attention();
    const AttentionTape t = tape();
    Tensor y = Tensor::empty(DType::kF32, {kTokens, kHidden});
    a.forward(ctx_, ws_, plan_, const_matrix_of(x_.value), t, matrix_of(y));
    Tensor dx = Tensor::empty(DType::kF32, {kTokens, kHidden});
    a.backward(ctx_, ws_, plan_, const_matrix_of(x_.value), t, const_matrix_of(dy_.value), matrix_of(dx));
  }

  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  Workspace ws_;
  Parameter wq_, wk_, wv_, wo_, q_norm_, k_norm_, x_, dy_;
  std::vector<Tensor> tensors_;
  SequencePlan plan_;
};

TEST_F(SelfAttentionTest, HeadNormsTakeTheScaleOutOfQueriesAndKeys) {
  std::vector<float> one, other;
  forward(&one);
  for (Parameter* w : {&wq_, &wk_}) {
    for (std::int64_t i = 0; i < w->value.numel(); ++i) w->value.mutable_data<float>()[i] *= 4.0F;
  }
  forward(&other);
  EXPECT_EQ(one, other);  // a power of two: exactly
}

// The output does not change along w, so that the gradient stands at a right angle to it.
TEST_F(SelfAttentionTest, GradientsBehindTheNormsStandAtARightAngleToTheWeights) {
  for (Parameter* w : {&wq_, &wk_}) w->make_trainable();
  backward();
  for (Parameter* w : {&wq_, &wk_}) {
    double product = 0.0, ww = 0.0, gg = 0.0;
    for (std::int64_t i = 0; i < w->value.numel(); ++i) {
      const double v = w->value.data<float>()[i], g = w->grad.data<float>()[i];
      product += v * g, ww += v * v, gg += g * g;
    }
    EXPECT_GT(gg, 1e-4);
    EXPECT_LT(std::abs(product), 1e-5 * std::sqrt(ww * gg));
  }
}

TEST_F(SelfAttentionTest, GradientsOfTheNormsEqualDifferences) {
  for (Parameter* w : {&q_norm_, &k_norm_}) w->make_trainable();
  backward();
  for (Parameter* w : {&q_norm_, &k_norm_}) {
    for (std::int64_t i = 0; i < kDim; ++i) {
      constexpr double kStep = 1.0 / 128.0;
      float& v = w->value.mutable_data<float>()[i];
      const float before = v;
      v = before + static_cast<float>(kStep);
      const double above = forward();
      v = before - static_cast<float>(kStep);
      const double below = forward();
      v = before;
      // Third derivatives times the step's square, and f32 over the step: 1e-3 of a sum of this size.
      EXPECT_NEAR(w->grad.data<float>()[i], (above - below) / (2.0 * kStep), 1e-2) << i;
    }
  }
}

}  // namespace
}  // namespace lq
