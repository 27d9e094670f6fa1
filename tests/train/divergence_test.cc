// Learning what another model says: divergences over whole batches, and their gradients.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "models/model.h"
#include "ops/cross_entropy.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"
#include "train/lora_setup.h"

namespace lq {
namespace {

class DivergenceTest : public testing::Test {
 protected:
  DivergenceTest() {
    reference::write_random_model(pool_, {}, dir_ / "dense");
    reference::write_random_model(pool_, {.bits = 2}, dir_ / "packed");
    for (int t = 0; t < 23; ++t)
      ids_.push_back(static_cast<std::int32_t>(Rng(5).below(static_cast<std::uint64_t>(t), 97)));
    targets_ = next_token_targets({ids_, starts_});
    targets_[4] = kIgnoreTarget;
    targets_[17] = kIgnoreTarget;
  }
  TokenBatch batch() const { return {ids_, starts_}; }
  Model load(const char* name) { return Model::load(ctx_, dir_ / name); }
  double sum_of(const Model& model, const Model& reference) {
    std::vector<float> losses(ids_.size());
    model.divergences(ctx_, ws_, reference, batch(), targets_, losses);
    double sum = 0.0;
    for (const float loss : losses) sum += loss;
    return sum;
  }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 3, {}};
  Workspace ws_;
  ModelTape tape_;
  std::vector<std::int32_t> ids_;
  std::vector<std::int64_t> starts_ = {0, 9, 23};
  std::vector<std::int32_t> targets_;
};

TEST_F(DivergenceTest, IsThatOfTheTwoModelsLogits) {
  const Model dense = load("dense");
  const Model packed = load("packed");
  std::vector<float> losses(ids_.size());
  packed.divergences(ctx_, ws_, dense, batch(), targets_, losses);
  std::vector<float> p(ids_.size() * 97);
  std::vector<float> q(ids_.size() * 97);
  const auto logits_of = [&](const Model& model, std::vector<float>& to) {
    std::vector<float> unused(ids_.size());
    model.losses(ctx_, ws_, batch(), targets_, unused, [&](std::int64_t begin, ConstMatrix logits) {
      std::copy(logits.data, logits.data + logits.rows * logits.cols, to.begin() + begin * 97);
    });
  };
  logits_of(dense, p);
  logits_of(packed, q);
  std::vector<float> wanted(ids_.size());
  kl_divergence(ctx_, {p.data(), 23, 97}, {q.data(), 23, 97}, wanted);
  for (std::size_t t = 0; t < losses.size(); ++t) {
    EXPECT_EQ(losses[t], targets_[t] == kIgnoreTarget ? 0.0F : wanted[t]) << t;
  }
  EXPECT_GT(sum_of(packed, dense), 0.1);
  EXPECT_NEAR(sum_of(dense, dense), 0.0, 1e-6);
}

TEST_F(DivergenceTest, GradientsAreThoseOfItsSum) {
  const Model dense = load("dense");
  Model packed = load("packed");
  lora_setup(ctx_, packed, {.rank = 3});
  std::vector<float> losses(ids_.size());
  packed.divergences_backward(ctx_, ws_, tape_, dense, batch(), targets_, 1.0F, losses);
  double sum = 0.0;
  for (const float loss : losses) sum += loss;
  EXPECT_NEAR(sum, sum_of(packed, dense), 1e-5 * sum);
  int moved = 0;
  for (Parameter* p : packed.trainable()) {
    const float* const grad = p->grad.data<float>();
    std::int64_t at = 0;  // where the slope is steepest
    for (std::int64_t i = 1; i < p->grad.numel(); ++i) {
      if (std::abs(grad[i]) > std::abs(grad[at])) at = i;
    }
    const double slope = grad[at];
    if (std::abs(slope) < 1e-2) continue;  // A, while B = 0
    ++moved;
    float& x = p->value.mutable_data<float>()[at];
    const float was = x;
    constexpr float kStep = 1e-2F;
    x = was + kStep;
    const double above = sum_of(packed, dense);
    x = was - kStep;
    const double below = sum_of(packed, dense);
    x = was;
    // Central differences are off by the square of the step, and by the rounding of sums near 10.
    EXPECT_NEAR((above - below) / (2 * kStep), slope, 2e-2 * std::abs(slope) + 1e-3) << p->name;
  }
  EXPECT_GE(moved, 7);  // a B of every kind of matrix at least
}

TEST_F(DivergenceTest, RefusesAReferenceOfAnotherVocabulary) {
  reference::write_random_model(pool_, {.vocab = 96}, dir_ / "other");
  const Model packed = load("packed");
  const Model other = load("other");
  std::vector<float> losses(ids_.size());
  try {
    packed.divergences(ctx_, ws_, other, batch(), targets_, losses);
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMismatch);
    EXPECT_NE(std::string(e.what()).find("97 tokens in the vocabulary, but 96"), std::string::npos)
        << e.what();
  }
}

}  // namespace
}  // namespace lq
