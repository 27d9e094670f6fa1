#include <gtest/gtest.h>

#include "formats/gguf/gguf_kind_test_file.h"

namespace lq {
namespace {

using gguf_test::KindFile;

TEST(GgufKindLlama, WithExpertsIsMixtral) {
  const GgufConfig c = KindFile("llama").u32("expert_count", 4).u32("expert_used_count", 2).config();
  EXPECT_EQ(c.config.texts("architectures"), std::vector<std::string>{"MixtralForCausalLM"});
  EXPECT_EQ(c.config.integer("num_local_experts"), 4);
  EXPECT_EQ(c.config.integer("num_experts_per_tok"), 2);
  EXPECT_EQ(c.experts, 4);
  EXPECT_EQ(c.permuted_head_dim, 8);
  KindFile("llama")
      .u32("expert_count", 4)
      .u32("expert_used_count", 5)
      .expect_refused(ErrorCode::kCorruptFile, {"llama.expert_used_count", "from 1 to 4"});
  KindFile("llama")
      .u32("expert_used_count", 2)
      .expect_refused(ErrorCode::kUnsupported, {"llama.expert_used_count is 2"});
}

TEST(GgufKindLlama, Qwen3WithExperts) {
  KindFile file("qwen3moe");
  file.u32("expert_count", 8).u32("expert_used_count", 2);
  // As llama.cpp has it where nothing is said.
  EXPECT_EQ(file.config().config.integer("moe_intermediate_size"), 6);
  const GgufConfig c = file.u32("expert_feed_forward_length", 10).config();
  EXPECT_EQ(c.config.text("model_type"), "qwen3_moe");
  EXPECT_EQ(c.config.integer("num_experts"), 8);
  EXPECT_EQ(c.config.integer("moe_intermediate_size"), 10);
  EXPECT_TRUE(c.config.boolean("norm_topk_prob"));
  EXPECT_EQ(c.permuted_head_dim, 0);
  KindFile("qwen3moe").expect_refused(ErrorCode::kUnsupported, {"qwen3moe.expert_count is 0"});
  file.f32("expert_weights_scale", 2.0F).expect_refused(ErrorCode::kUnsupported, {"expert_weights_scale"});
}

TEST(GgufKindLlama, BiasesOfQwen3AreSeen) {
  EXPECT_FALSE(KindFile("qwen3").config().config.boolean("attention_bias"));
  EXPECT_TRUE(KindFile("qwen3").tensor("blk.0.attn_q.bias", {16}).config().config.boolean("attention_bias"));
}

}  // namespace
}  // namespace lq
