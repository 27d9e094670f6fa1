#include "models/families/gpt_oss.h"

#include <gtest/gtest.h>

#include "models/decoder_config.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

nlohmann::ordered_json gpt_oss_config() {
  auto json = decoder_config("GptOssForCausalLM", "gpt_oss");
  json["num_local_experts"] = 4;
  json["num_experts_per_tok"] = 2;
  return json;
}

TEST(GptOssFamily, WhatItsClassTakesWhereConfigIsSilent) {
  const ModelSpec spec = spec_of(gpt_oss_config());
  EXPECT_FALSE(spec.tied_embeddings);
  EXPECT_EQ(spec.final_norm.eps, 1e-5F);
  EXPECT_EQ(spec.rope.type, RopeType::kYarn);
  EXPECT_EQ(spec.rope.theta, 150000.0);
  EXPECT_EQ(spec.rope.factor, 32.0);
  EXPECT_EQ(spec.rope.original_positions, 4096);
  EXPECT_FALSE(spec.rope.truncate);
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    const BlockSpec& b = spec.blocks[i];
    EXPECT_TRUE(b.attention.sinks);
    EXPECT_TRUE(b.attention.qkv_bias && b.attention.output_bias);
    EXPECT_EQ(b.attention.head_dim, 64);
    EXPECT_EQ(b.attention.window, i % 2 == 0 ? 128 : 0);
    EXPECT_EQ(b.mlp.experts, 4);
    EXPECT_EQ(b.mlp.experts_used, 2);
    EXPECT_TRUE(b.mlp.bias && b.mlp.router_bias && b.mlp.normalized_routing);
    ASSERT_TRUE(b.mlp.clamp);
    EXPECT_EQ(*b.mlp.clamp, (GateClamp{1.702F, 7.0F}));
  }
}

// As the published models' config.json has it.
TEST(GptOssFamily, ReadsThePublishedKeys) {
  auto json = gpt_oss_config();
  json["head_dim"] = 8;
  json["attention_bias"] = true;
  json["experts_per_token"] = 2;
  json["initial_context_length"] = 4096;
  json["layer_types"] = {"full_attention", "sliding_attention"};
  json["sliding_window"] = 16;
  json["swiglu_limit"] = 5.0;
  json["router_aux_loss_coef"] = 0.9;
  json["output_router_logits"] = false;
  json["rope_theta"] = 10000;
  json["rope_scaling"] = {{"rope_type", "yarn"}, {"factor", 8.0},
                          {"beta_fast", 32.0},   {"beta_slow", 1.0},
                          {"truncate", true},    {"original_max_position_embeddings", 16}};
  json["quantization_config"] = {{"quant_method", "mxfp4"}, {"modules_to_not_convert", {"lm_head"}}};
  const ModelSpec spec = spec_of(json);
  EXPECT_EQ(spec.blocks[0].attention.window, 0);
  EXPECT_EQ(spec.blocks[1].attention.window, 16);
  EXPECT_EQ(spec.blocks[1].mlp.clamp->limit, 5.0F);
  EXPECT_EQ(spec.rope.theta, 10000.0);
  EXPECT_TRUE(spec.rope.truncate);
  json["rope_parameters"] = nullptr;
  json.erase("rope_scaling");
  EXPECT_EQ(spec_of(json).rope.type, RopeType::kYarn);
  json["rope_scaling"] = nlohmann::ordered_json::object();  // which says nothing either
  EXPECT_EQ(spec_of(json).rope.type, RopeType::kYarn);
}

TEST(GptOssFamily, NamesSinksBiasesAndExperts) {
  const auto json = gpt_oss_config();
  std::vector<std::string> names;
  for (const ModelTensor& t : model_tensors(spec_of(json), model_family(config_of(json)).names))
    names.push_back(t.name);
  for (const char* name :
       {"model.layers.1.self_attn.sinks", "model.layers.0.self_attn.o_proj.bias",
        "model.layers.0.mlp.router.weight", "model.layers.0.mlp.router.bias",
        "model.layers.1.mlp.experts.3.gate_proj.bias", "model.layers.1.mlp.experts.3.down_proj.weight"}) {
    EXPECT_EQ(std::ranges::count(names, name), 1) << name;
  }
  const auto linears = block_linear_modules(config_of(json));
  EXPECT_EQ(std::ranges::count(linears, "model.layers.0.mlp.router"), 0);
  EXPECT_EQ(linears.size(), 2U * (4 + 3 * 4));
}

TEST(GptOssFamily, RefusesByNameWhatItDoesNotCompute) {
  const auto refuses = [](const char* key, const nlohmann::ordered_json& value,
                          std::initializer_list<std::string_view> parts) {
    auto json = gpt_oss_config();
    json[key] = value;
    expect_error(ErrorCode::kUnsupported, parts, [&] { spec_of(json); });
  };
  refuses("hidden_act", "swiglu", {"hidden_act", "swiglu"});
  refuses("hidden_act", "gelu", {"hidden_act", "gelu", "silu only"});
  refuses("num_experts_per_tok", 5, {"num_experts_per_tok is 5", "4 experts"});
  refuses("output_router_logits", true, {"output_router_logits"});
  refuses("layer_types", {"chunked_attention", "full_attention"}, {"chunked_attention"});
  refuses("mlp_only_layers", {1}, {"mlp_only_layers"});
  auto json = gpt_oss_config();
  json["sliding_window"] = nullptr;  // the class cannot make its mask then
  expect_error(ErrorCode::kUnsupported, {"sliding_window is null", "layer 0"}, [&] { spec_of(json); });
  json["layer_types"] = {"full_attention", "full_attention"};
  EXPECT_EQ(spec_of(json).blocks[0].attention.window, 0);
  json["sliding_window"] = 8;
  EXPECT_EQ(spec_of(json).blocks[0].attention.window, 0);
}

}  // namespace
}  // namespace lq
