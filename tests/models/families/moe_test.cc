#include "models/families/moe.h"

#include <gtest/gtest.h>

#include "models/decoder_config.h"

namespace lq {
namespace {

TEST(MoeFamily, MixtralHasExpertsInEveryLayer) {
  auto json = decoder_config("MixtralForCausalLM", "mixtral");
  json["num_local_experts"] = 4;
  const ModelSpec spec = spec_of(json);
  EXPECT_EQ(spec.rope.theta, 1e6);
  for (const BlockSpec& b : spec.blocks) {
    EXPECT_EQ(b.mlp.experts, 4);
    EXPECT_EQ(b.mlp.experts_used, 2);
    EXPECT_TRUE(b.mlp.normalized_routing);
  }
  int routers = 0, downs = 0;
  for (const ModelTensor& t : model_tensors(spec, model_family(config_of(json)).names)) {
    routers += t.role == Role::kRouter ? 1 : 0;
    downs += t.role == Role::kExpertDown ? 1 : 0;
  }
  EXPECT_EQ(routers, 2);
  EXPECT_EQ(downs, 8);
  EXPECT_EQ(block_linear_modules(config_of(json)).at(5), "model.layers.0.block_sparse_moe.experts.0.w3");
  json["num_experts_per_tok"] = 5;
  EXPECT_THROW(spec_of(json), Error);
  json["num_experts"] = 6;  // another name of num_local_experts
  json.erase("num_local_experts");
  EXPECT_EQ(spec_of(json).blocks[0].mlp.experts, 6);
}

TEST(MoeFamily, Qwen3MoeHasThemWhereItsConfigSays) {
  auto json = decoder_config("Qwen3MoeForCausalLM", "qwen3_moe");
  json["num_hidden_layers"] = 4;
  json["num_experts"] = 16;
  json["head_dim"] = 8;
  json["mlp_only_layers"] = {1};
  json["decoder_sparse_step"] = 2;
  const ModelSpec spec = spec_of(json);
  EXPECT_EQ(spec.blocks[0].mlp.experts, 0);
  EXPECT_EQ(spec.blocks[0].mlp.inner, 44);
  EXPECT_EQ(spec.blocks[1].mlp.experts, 0);
  EXPECT_EQ(spec.blocks[3].mlp.experts, 16);
  EXPECT_EQ(spec.blocks[3].mlp.experts_used, 8);
  EXPECT_EQ(spec.blocks[3].mlp.inner, 768);
  EXPECT_FALSE(spec.blocks[3].mlp.normalized_routing);
  EXPECT_EQ(spec.blocks[3].attention.qk_norm, QkNorm::kPerHead);
  json["sliding_window"] = 0;  // which nothing uses
  json["mlp_only_layers"] = {0, 1, 2, 3};
  json["num_experts_per_tok"] = 2;
  EXPECT_EQ(spec_of(json).blocks[3].mlp.experts, 0) << "a model of this family without experts";
  json["output_router_logits"] = true;  // which adds a term to the loss
  EXPECT_THROW(spec_of(json), Error);
}

}  // namespace
}  // namespace lq
