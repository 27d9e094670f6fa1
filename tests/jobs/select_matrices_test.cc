#include "jobs/select_matrices.h"

#include <gtest/gtest.h>

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
}

}  // namespace
}  // namespace lq
