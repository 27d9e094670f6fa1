// rope, embedding and cross_entropy against scalar references.
#include <gtest/gtest.h>

#include "ops/cross_entropy.h"
#include "ops/embedding.h"
#include "ops/rope.h"
#include "reference/numbers.h"
#include "reference/transformer.h"

namespace lq {
namespace {

using reference::Complex;
using reference::normals;
using reference::relative_difference;
using reference::to;
using reference::Values;

constexpr double kTolerance = 1e-6;  // some rounding steps of f32 (6e-8), relative to the largest value

struct Fixture {
  ThreadPool pool;
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  explicit Fixture(int threads = 2) : pool(threads) {}
};

// The whole gradient, one complex step for each input.
std::vector<double> gradient(const std::function<Complex(const Values<Complex>&)>& f,
                             const std::vector<float>& x) {
  std::vector<double> g(x.size());
  std::vector<float> unit(x.size(), 0.0F);
  for (std::size_t i = 0; i < x.size(); ++i) {
    unit[i] = 1.0F;
    g[i] = reference::derivative(f, x, unit);
    unit[i] = 0.0F;
  }
  return g;
}

TEST(Rope, RotatesAndTurnsBack) {
  Fixture f;
  const std::vector<std::int32_t> positions = {0, 1, 2, 1000, 3};
  const std::vector<float> inv_freq = {1.0F, 0.3F, 0.01F, 0.002F, 0.0001F};
  const std::size_t heads = 3;
  const auto n = static_cast<std::int64_t>(heads) * 10;
  const auto x = normals(5 * 30, 1);
  const RopeTable table = make_rope_table(f.ctx, positions, inv_freq, 1.25F);
  auto y = x;
  rope_forward(f.ctx, table, 3, {y.data(), 5, n});
  const std::vector<int> at(positions.begin(), positions.end());
  EXPECT_LT(relative_difference(y, reference::rope(to<double>(x), at, inv_freq, heads, 1.25)), kTolerance);

  const auto dy = normals(x.size(), 2);
  auto dx = dy;
  rope_backward(f.ctx, table, 3, {dx.data(), 5, n});
  const auto want = gradient(
      [&](const auto& z) {
        return reference::weighted_sum(reference::rope(z, at, inv_freq, heads, 1.25), dy);
      },
      x);
  EXPECT_LT(relative_difference(dx, want), kTolerance);
}

TEST(Rope, TurnsTheFirstDimensionsOnlyWhereTheTableIsNarrower) {
  Fixture f;
  const std::vector<std::int32_t> positions = {3, 1, 900};
  const std::vector<float> inv_freq = {1.0F, 0.05F};
  constexpr std::size_t kHeadDim = 7, kTurned = 4, kHeads = 2;
  const auto x = normals(3 * kHeads * kHeadDim, 1);
  const RopeTable table = make_rope_table(f.ctx, positions, inv_freq, 1.0F);
  auto y = x;
  rope_forward(f.ctx, table, kHeads, {y.data(), 3, kHeads * kHeadDim});
  std::vector<float> turned;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i % kHeadDim < kTurned) {
      turned.push_back(x[i]);
    } else {
      EXPECT_EQ(y[i], x[i]);
    }
  }
  const auto want = reference::rope(to<double>(turned), {3, 1, 900}, inv_freq, kHeads, 1.0);
  for (std::size_t i = 0, at = 0; i < x.size(); ++i) {
    if (i % kHeadDim >= kTurned) continue;
    EXPECT_NEAR(y[i], want[at++], 1e-5) << i;
  }
  EXPECT_THROW(rope_forward(f.ctx, table, 2, {y.data(), 3, 6}), Error);
}

TEST(Embedding, TakesRowsAndAddsGradientsInOrder) {
  Fixture f;
  const auto values = normals(7 * 5, 1);
  Tensor table = Tensor::empty(DType::kF32, {7, 5});
  std::copy(values.begin(), values.end(), table.mutable_data<float>());
  const std::vector<std::int32_t> ids = {6, 0, 6, 3};
  std::vector<float> x(20);
  embedding_forward(f.ctx, table, ids, {x.data(), 4, 5});
  for (std::size_t t = 0; t < 4; ++t) {
    for (std::size_t c = 0; c < 5; ++c)
      EXPECT_EQ(x[t * 5 + c], values[static_cast<std::size_t>(ids[t]) * 5 + c]);
  }
  std::vector<float> dtable(35, 1.0F);
  embedding_backward(f.ctx, ids, {x.data(), 4, 5}, {dtable.data(), 7, 5});
  for (std::size_t c = 0; c < 5; ++c) {
    EXPECT_EQ(dtable[6 * 5 + c], 1.0F + x[c] + x[10 + c]);
    EXPECT_EQ(dtable[1 * 5 + c], 1.0F);
  }
  const std::vector<std::int32_t> outside = {1, 7};
  EXPECT_THROW(embedding_forward(f.ctx, table, outside, {x.data(), 2, 5}), Error);
  const std::vector<std::int32_t> negative = {-1, 2};
  EXPECT_THROW(embedding_forward(f.ctx, table, negative, {x.data(), 2, 5}), Error);
}

TEST(CrossEntropy, LossAndGradient) {
  Fixture f;
  const std::int64_t rows = 9;
  const std::int64_t vocab = 37;
  const auto logits = normals(static_cast<std::size_t>(rows * vocab), 1, 4.0F);
  const std::vector<std::int32_t> targets = {0, 36, kIgnoreTarget, 5, 5, 7, kIgnoreTarget, 1, 2};
  std::vector<float> losses(9);
  cross_entropy_forward(f.ctx, {logits.data(), rows, vocab}, targets, losses);
  double sum = 0.0;
  for (const float l : losses) sum += l;
  EXPECT_NEAR(sum, reference::cross_entropy(to<double>(logits), targets), 1e-6 * sum);
  EXPECT_EQ(losses[2], 0.0F);

  auto dlogits = logits;
  std::vector<float> again(9);
  cross_entropy_forward_backward(f.ctx, {dlogits.data(), rows, vocab}, targets, 0.5F, again);
  EXPECT_EQ(again, losses);
  const auto want =
      gradient([&](const auto& z) { return 0.5 * reference::cross_entropy(z, targets); }, logits);
  EXPECT_LT(relative_difference(dlogits, want), 2 * kTolerance);

  const std::vector<std::int32_t> wrong = {0, 37, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_THROW(cross_entropy_forward(f.ctx, {logits.data(), rows, vocab}, wrong, losses), Error);
}

TEST(KlDivergence, EqualsItsDefinition) {
  Fixture f;
  const auto p = normals(2 * 11, 1, 2.0F);
  const auto q = normals(2 * 11, 2, 2.0F);
  std::vector<float> kl(2);
  kl_divergence(f.ctx, {p.data(), 2, 11}, {q.data(), 2, 11}, kl);
  for (std::size_t r = 0; r < 2; ++r) {
    double zp = 0.0;
    double zq = 0.0;
    for (std::size_t v = 0; v < 11; ++v) {
      zp += std::exp(double{p[r * 11 + v]});
      zq += std::exp(double{q[r * 11 + v]});
    }
    double want = 0.0;
    for (std::size_t v = 0; v < 11; ++v) {
      const double pv = std::exp(double{p[r * 11 + v]}) / zp;
      want += pv * std::log(pv / (std::exp(double{q[r * 11 + v]}) / zq));
    }
    EXPECT_NEAR(kl[r], want, 1e-6 * want);
  }
}

}  // namespace
}  // namespace lq
