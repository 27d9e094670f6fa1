// A block by itself: passes that give the same, what it keeps, and the linears that it names.
#include "models/transformer_block.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/model.h"
#include "reference/numbers.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using reference::normals;
using reference::relative_difference;

class BlockTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kHidden = 64, kTokens = 6;

  BlockTest() {
    reference::write_random_model(pool_, {.dtype = DType::kF32}, dir_ / "model");
    model_.emplace(Model::load(ctx_, dir_ / "model"));
  }
  TransformerBlock& block() { return model_->block(1); }
  SequencePlan plan() const { return model_->plan(ctx_, {ids_, starts_}); }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  mutable Context ctx_{pool_, progress_, 0, {}};
  Workspace ws_;
  std::optional<Model> model_;
  std::vector<std::int32_t> ids_ = {1, 2, 3, 4, 5, 6};
  std::vector<std::int64_t> starts_ = {0, 6};
  std::vector<float> x_ = normals(kHidden * kTokens, 3);
  ConstMatrix input_{x_.data(), kTokens, kHidden};
};

TEST_F(BlockTest, OutputMayTakeTheInputsPlace) {
  std::vector<float> y(x_.size()), place = x_;
  BlockTape tape;
  block().forward(ctx_, ws_, plan(), input_, tape, {y.data(), kTokens, kHidden});
  const Matrix both{place.data(), kTokens, kHidden};
  block().forward(ctx_, ws_, plan(), both, tape, both);
  EXPECT_EQ(y, place);
  EXPECT_GT(relative_difference(y, x_), 0.01);  // it did something
}

// Token by token: ModelPasses.TokenByTokenGivesTheSameLogitsAsAllAtOnce.
TEST_F(BlockTest, AFirstCachedPassGivesWhatThePlainOneGivesAndFillsItsLayer) {
  std::vector<float> whole(x_.size()), cached = x_;
  BlockTape tape;
  block().forward(ctx_, ws_, plan(), input_, tape, {whole.data(), kTokens, kHidden});
  KvCache cache = model_->make_cache(kTokens);
  KvCache* const caches[] = {&cache};
  cache.reserve(ctx_, kTokens);
  SequencePlan alone = plan();
  alone.alone = alone.segments;  // one sequence, nothing before it
  block().forward_cached(ctx_, ws_, alone, caches, 1, {cached.data(), kTokens, kHidden});
  EXPECT_LT(relative_difference(cached, whole), 1e-5);
  const Matrix keys = cache.keys(1, kTokens);
  EXPECT_GT(std::abs(keys.data[0]), 0.0F);
}

TEST_F(BlockTest, BackwardIsTheDerivativeOfForward) {
  // sum(c * block(x)) along one direction, by central differences in float: three digits.
  const std::vector<float> c = normals(x_.size(), 5), along = normals(x_.size(), 6);
  const auto value_at = [&](float step) {
    std::vector<float> moved = x_, y(x_.size());
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += step * along[i];
    BlockTape tape;
    block().forward(ctx_, ws_, plan(), {moved.data(), kTokens, kHidden}, tape, {y.data(), kTokens, kHidden});
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(c[i]) * static_cast<double>(y[i]);
    return sum;
  };
  constexpr float kStep = 5e-3F;
  const double want = (value_at(kStep) - value_at(-kStep)) / (2.0 * static_cast<double>(kStep));
  BlockTape tape;
  std::vector<float> y(x_.size()), dx = c;
  block().forward(ctx_, ws_, plan(), input_, tape, {y.data(), kTokens, kHidden});
  block().backward(ctx_, ws_, plan(), input_, tape, {dx.data(), kTokens, kHidden});
  double have = 0.0, size = 0.0;
  for (std::size_t i = 0; i < dx.size(); ++i) {
    const double term = static_cast<double>(dx[i]) * static_cast<double>(along[i]);
    have += term;
    size += std::abs(term);
  }
  EXPECT_NEAR(have, want, 1e-3 * size);
}

TEST_F(BlockTest, AFilledTapeIsTheTapeOfForward) {
  BlockTape tape, filled;
  std::vector<float> y(x_.size()), dx = x_, again = x_;
  block().forward(ctx_, ws_, plan(), input_, tape, {y.data(), kTokens, kHidden});
  block().fill_tape(ctx_, ws_, plan(), input_, filled);
  block().backward(ctx_, ws_, plan(), input_, tape, {dx.data(), kTokens, kHidden});
  block().backward(ctx_, ws_, plan(), input_, filled, {again.data(), kTokens, kHidden});
  EXPECT_EQ(dx, again);
}

TEST_F(BlockTest, TapeKeepsItsRoom) {
  const BlockTape::Shape large = block().tape_shape(kTokens), small = block().tape_shape(2);
  EXPECT_LT(BlockTape::floats(small), BlockTape::floats(large));
  BlockTape tape;
  EXPECT_EQ(tape.bytes(), 0);
  tape.resize(Device{}, large);
  const std::int64_t bytes = tape.bytes();
  EXPECT_GE(bytes, BlockTape::floats(large) * 4);
  tape.resize(Device{}, small);
  EXPECT_EQ(tape.bytes(), bytes);
  tape.clear();
  EXPECT_EQ(tape.bytes(), 0);
}

TEST_F(BlockTest, LinearsInTheOrderInWhichTheyRun) {
  std::vector<Role> roles;
  for (const Module& m : block().modules()) {
    roles.push_back(m.role);
    EXPECT_EQ(m.layer, 1);
  }
  EXPECT_EQ(roles,
            (std::vector<Role>{Role::kQ, Role::kK, Role::kV, Role::kO, Role::kGate, Role::kUp, Role::kDown}));
  EXPECT_EQ(block().input_groups(), 4);
}

}  // namespace
}  // namespace lq
