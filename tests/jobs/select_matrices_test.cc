#include "jobs/select_matrices.h"

#include <gtest/gtest.h>

#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

bool selected(const char* name, Shape shape) {
  TensorView view;
  view.spec = {name, DType::kF32, std::move(shape)};
  return is_block_linear(view);
}

TEST(SelectMatrices, LinearsOfTheBlocksByDefault) {
  EXPECT_TRUE(selected("model.layers.0.self_attn.q_proj.weight", {8, 8}));
  EXPECT_TRUE(selected("roberta.encoder.layer.11.output.dense.weight", {8, 8}));
  EXPECT_FALSE(selected("model.layers.0.input_layernorm.weight", {8}));
  EXPECT_FALSE(selected("model.layers.0.self_attn.q_proj.bias", {8, 1}));
  EXPECT_FALSE(selected("model.embed_tokens.weight", {8, 8}));
  EXPECT_FALSE(selected("lm_head.weight", {8, 8}));
  EXPECT_FALSE(selected("layers.weight", {8, 8}));
  EXPECT_FALSE(selected("experts.0.weight", {8, 8}));
  EXPECT_TRUE(selected("0.encoder.layer.3.output.dense.weight", {8, 8}));
  EXPECT_FALSE(selected("layers.x.0.weight", {8, 8}));
}

// A file may hold more than the model: what only looks like its matrices stays as it is.
TEST(SelectMatrices, OfAKnownModelItsOwn) {
  const io_test::TempDir dir;
  write_tiny_model(dir / "model");
  const CheckpointPtr model = Checkpoint::open(dir / "model");
  MatrixSelection own = of_model({}, *model);
  const auto before = select_matrices(model->reader(), {});
  EXPECT_EQ(select_matrices(model->reader(), own), before);
  EXPECT_TRUE(strange_matrices(model->reader(), own).empty());
  const std::string stranger = before.front()->name();
  own.linears.erase(stranger);
  EXPECT_EQ(select_matrices(model->reader(), own).size(), before.size() - 1);
  EXPECT_EQ(strange_matrices(model->reader(), own), std::vector<std::string>{stranger});
  own.include = {stranger};
  EXPECT_EQ(select_matrices(model->reader(), own).size(), 1U) << "who names it gets it";
}

}  // namespace
}  // namespace lq
