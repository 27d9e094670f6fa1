// The head over the vocabulary against a reference in double and its central differences.
#include "nn/heads/next_token_head.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/progress.h"
#include "nn/dense_weight.h"
#include "ops/cross_entropy.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using reference::normals;
using reference::relative_difference;

constexpr std::int64_t kHeadDim = 4, kHeadVocab = 7;
constexpr float kHeadEps = 1e-5F;

struct VocabularyHead {
  Parameter dense, dense_bias, norm, projection;
  LogitsForm form;
  bool has_dense;

  VocabularyHead(const LogitsForm& f, bool with_dense) : form(f), has_dense(with_dense) {
    fill(dense, {kHeadDim, kHeadDim}, 1);
    fill(dense_bias, {kHeadDim}, 2);
    fill(norm, {kHeadDim}, 3);
    fill(projection, {kHeadVocab, kHeadDim}, 4);
  }
  static void fill(Parameter& p, const Shape& shape, std::uint64_t stream) {
    p.value = Tensor::empty(DType::kF32, shape);
    const auto values = normals(static_cast<std::size_t>(p.value.numel()), stream);
    std::copy(values.begin(), values.end(), p.value.mutable_data<float>());
    p.make_trainable();
  }
  std::vector<Parameter*> all() { return {&dense, &dense_bias, &norm, &projection}; }
  NextTokenHead head() {
    NextTokenHead h(Norm(NormKind::kRms, kHeadEps, norm),
                    Linear("lm_head", std::make_unique<DenseWeight>(projection)), form);
    if (has_dense)
      h.set_dense({Linear("dense", std::make_unique<DenseWeight>(dense), &dense_bias), Activation::kGelu});
    return h;
  }
};

using HeadNumbers = std::vector<std::vector<double>>;  // VocabularyHead::all(), then one row of x

std::vector<double> reference_logits(const HeadNumbers& w, const VocabularyHead& parts) {
  std::vector<double> x = w[4];
  if (parts.has_dense) {
    std::vector<double> y(kHeadDim);
    for (std::size_t i = 0; i < kHeadDim; ++i) {
      y[i] = w[1][i];
      for (std::size_t k = 0; k < kHeadDim; ++k) y[i] += w[0][i * kHeadDim + k] * x[k];
      y[i] = 0.5 * y[i] * (1.0 + std::erf(y[i] / std::sqrt(2.0)));
    }
    x = y;
  }
  double square = 0.0;
  for (const double v : x) square += v * v;
  const double rstd = 1.0 / std::sqrt(square / kHeadDim + static_cast<double>(kHeadEps));
  std::vector<double> logits(kHeadVocab);
  for (std::size_t c = 0; c < kHeadVocab; ++c) {
    for (std::size_t k = 0; k < kHeadDim; ++k) logits[c] += w[3][c * kHeadDim + k] * w[2][k] * x[k] * rstd;
    logits[c] *= static_cast<double>(parts.form.multiplier);
    const auto cap = static_cast<double>(parts.form.soft_cap);
    if (cap > 0.0) logits[c] = cap * std::tanh(logits[c] / cap);
  }
  return logits;
}

double reference_loss(const HeadNumbers& w, const VocabularyHead& parts, std::int32_t target) {
  const std::vector<double> logits = reference_logits(w, parts);
  double sum = 0.0;
  for (const double v : logits) sum += std::exp(v);
  return std::log(sum) - logits[static_cast<std::size_t>(target)];
}

void check_vocabulary_head(const LogitsForm& form, bool with_dense) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  VocabularyHead parts(form, with_dense);
  NextTokenHead head = parts.head();
  const std::vector<float> x = normals(kHeadDim, 7);
  const ConstMatrix input{x.data(), 1, kHeadDim};
  const std::vector<std::int32_t> targets = {3};
  HeadNumbers w;
  for (Parameter* p : parts.all()) w.emplace_back(p->values().begin(), p->values().end());
  w.emplace_back(x.begin(), x.end());

  std::vector<float> logits(kHeadVocab), losses(1), again(1), dx(kHeadDim, 9.0F);
  head.logits(ctx, ws, input, {logits.data(), 1, kHeadVocab});
  EXPECT_LT(relative_difference(logits, reference_logits(w, parts)), 1e-5);
  head.loss(ctx, ws, input, targets, losses);
  EXPECT_NEAR(losses[0], reference_loss(w, parts, 3), 1e-5);

  const float scale = 0.5F;
  head.loss_backward(ctx, ws, input, targets, scale, again, {dx.data(), 1, kHeadDim});
  EXPECT_EQ(losses, again);
  std::vector<std::vector<float>> have;
  for (Parameter* p : parts.all()) have.emplace_back(p->grads().begin(), p->grads().end());
  have.push_back(dx);
  for (std::size_t part = with_dense ? 0 : 2; part < w.size(); ++part) {
    std::vector<double> want;
    for (double& value : w[part]) {
      const double kept = value, step = 1e-6;
      value = kept + step;
      const double above = reference_loss(w, parts, 3);
      value = kept - step;
      const double below = reference_loss(w, parts, 3);
      value = kept;
      want.push_back(scale * (above - below) / (2.0 * step));
    }
    EXPECT_LT(relative_difference(have[part], want), 1e-5) << "part " << part;
  }
}

TEST(NextTokenHead, NormAndProjection) { check_vocabulary_head({}, false); }
TEST(NextTokenHead, MultiplierAndSoftCap) {
  check_vocabulary_head({.multiplier = 0.3F, .soft_cap = 1.5F}, false);
}
TEST(NextTokenHead, DenseLayerBeforeTheNorm) { check_vocabulary_head({.soft_cap = 2.0F}, true); }

// More tokens than one chunk: the same numbers as of each token alone, and every chunk is shown once.
TEST(NextTokenHead, ChunksDoNotShow) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  VocabularyHead parts({}, false);
  NextTokenHead head = parts.head();
  const std::int64_t chunk = head.chunk_tokens();
  EXPECT_EQ(chunk, 1024);
  const std::int64_t n = chunk + 3;
  const std::vector<float> x = normals(static_cast<std::size_t>(n * kHeadDim), 8);
  const ConstMatrix input{x.data(), n, kHeadDim};
  std::vector<std::int32_t> targets(static_cast<std::size_t>(n));
  for (std::size_t t = 0; t < targets.size(); ++t) targets[t] = static_cast<std::int32_t>(t % kHeadVocab);
  targets[5] = kIgnoreTarget;
  std::vector<float> losses(targets.size());
  std::vector<std::pair<std::int64_t, std::int64_t>> shown;
  head.loss(ctx, ws, input, targets, losses,
            [&](std::int64_t begin, ConstMatrix logits) { shown.emplace_back(begin, logits.rows); });
  EXPECT_EQ(shown, (std::vector<std::pair<std::int64_t, std::int64_t>>{{0, chunk}, {chunk, 3}}));
  EXPECT_EQ(losses[5], 0.0F);
  std::vector<float> dx(x.size()), with_gradients(losses.size());
  head.loss_backward(ctx, ws, input, targets, 1.0F, with_gradients, {dx.data(), n, kHeadDim});
  EXPECT_EQ(losses, with_gradients);
  for (std::int64_t k = 0; k < kHeadDim; ++k) EXPECT_EQ(dx[static_cast<std::size_t>(5 * kHeadDim + k)], 0.0F);
  for (const std::int64_t t : {std::int64_t{0}, chunk - 1, chunk, n - 1}) {
    std::vector<float> alone(1), dx_alone(kHeadDim);
    head.loss_backward(ctx, ws, input.slice(t, 1), std::span(targets).subspan(static_cast<std::size_t>(t), 1),
                       1.0F, alone, {dx_alone.data(), 1, kHeadDim});
    EXPECT_NEAR(losses[static_cast<std::size_t>(t)], alone[0], 1e-6) << t;
    for (std::int64_t k = 0; k < kHeadDim; ++k)
      EXPECT_NEAR(dx[static_cast<std::size_t>(t * kHeadDim + k)], dx_alone[static_cast<std::size_t>(k)], 1e-6)
          << t;
  }
}

// A vocabulary of a quarter of a million: chunks shrink, so that the room for logits does not grow.
TEST(NextTokenHead, ChunksShrinkWithTheVocabulary) {
  Parameter projection;
  projection.value = Tensor::empty(DType::kF32, {262'144, 1});
  const NextTokenHead head(Norm(), Linear("lm_head", std::make_unique<DenseWeight>(projection)));
  EXPECT_EQ(head.vocab(), 262'144);
  EXPECT_EQ(head.chunk_tokens(), 64);
}

}  // namespace
}  // namespace lq
