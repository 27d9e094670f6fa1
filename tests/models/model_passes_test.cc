// Whole passes of a model against each other: what is computed at once or alone, kept or made again.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "models/model.h"
#include "reference/numbers.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using reference::relative_difference;

class ModelPasses : public ::testing::Test {
 protected:
  ModelPasses() {
    reference::write_random_model(pool_, {.dtype = DType::kF32}, dir_ / "model");
    model_.emplace(Model::load(ctx_, dir_ / "model"));
  }
  TokenBatch batch() const { return {ids_, starts_}; }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  Workspace ws_;
  std::optional<Model> model_;
  std::vector<std::int32_t> ids_ = {1, 5, 9, 3, 80, 2, 44, 7, 1};
  std::vector<std::int64_t> starts_ = {0, 4, 9};
};

TEST_F(ModelPasses, SequencesOfABatchDoNotSeeEachOther) {
  const auto targets = next_token_targets(batch());
  std::vector<float> both(ids_.size());
  model_->losses(ctx_, ws_, batch(), targets, both);
  EXPECT_EQ(both[3], 0.0F);  // the last of a sequence has no next token
  const std::vector<std::int32_t> second(ids_.begin() + 4, ids_.end());
  const std::vector<std::int64_t> starts = {0, std::ssize(second)};
  const TokenBatch alone = {second, starts};
  const auto its_targets = next_token_targets(alone);
  std::vector<float> losses(second.size());
  model_->losses(ctx_, ws_, alone, its_targets, losses);
  for (std::size_t t = 0; t < losses.size(); ++t) EXPECT_NEAR(both[4 + t], losses[t], 1e-5) << t;
}

TEST_F(ModelPasses, BlocksMadeAgainGiveTheSameGradientsAsBlocksKept) {
  const auto targets = next_token_targets(batch());
  Parameter* const weight = model_->find_parameter("model.layers.0.self_attn.v_proj.weight");
  ASSERT_NE(weight, nullptr);
  weight->make_trainable();
  std::vector<float> losses(ids_.size()), again(ids_.size());
  ModelTape kept, remade;
  remade.keep = Keep::kBlocks;
  model_->losses_backward(ctx_, ws_, kept, batch(), targets, 0.25F, losses);
  const std::vector<float> first(weight->grads().begin(), weight->grads().end());
  std::fill(weight->grads().begin(), weight->grads().end(), 0.0F);
  model_->losses_backward(ctx_, ws_, remade, batch(), targets, 0.25F, again);
  EXPECT_EQ(losses, again);
  EXPECT_EQ(first, std::vector<float>(weight->grads().begin(), weight->grads().end()));
  EXPECT_GT(std::abs(first[0]), 0.0F);
  EXPECT_LT(remade.bytes(), kept.bytes());
}

TEST_F(ModelPasses, NothingDivergesFromItself) {
  const auto targets = next_token_targets(batch());
  std::vector<float> losses(ids_.size(), 9.0F);
  model_->divergences(ctx_, ws_, *model_, batch(), targets, losses);
  for (const float loss : losses) EXPECT_NEAR(loss, 0.0F, 1e-6);
}

TEST_F(ModelPasses, WhatDoesNotFitIsRefused) {
  std::vector<float> losses(ids_.size());
  const std::vector<std::int32_t> too_few = {1};
  EXPECT_THROW(model_->losses(ctx_, ws_, batch(), too_few, losses), Error);
  std::vector<float> outputs(2);
  EXPECT_THROW(model_->label_outputs(ctx_, ws_, batch(), {outputs.data(), 2, 1}), Error);
  reference::write_random_model(pool_, {.vocab = 50}, dir_ / "other");
  const Model other = Model::load(ctx_, dir_ / "other");
  const auto targets = next_token_targets(batch());
  try {
    model_->divergences(ctx_, ws_, other, batch(), targets, losses);
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMismatch);
  }
}

}  // namespace
}  // namespace lq
