#include "formats/gguf/gguf_names.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

TEST(GgufNames, AreHuggingFacesOfTheSameTensor) {
  const GgufNames names = gguf_decoder_names();
  EXPECT_EQ(hugging_face_name(names, "token_embd.weight"), "model.embed_tokens.weight");
  EXPECT_EQ(hugging_face_name(names, "output.weight"), "lm_head.weight");
  EXPECT_EQ(hugging_face_name(names, "output_norm.weight"), "model.norm.weight");
  EXPECT_EQ(hugging_face_name(names, "blk.0.attn_output.weight"), "model.layers.0.self_attn.o_proj.weight");
  EXPECT_EQ(hugging_face_name(names, "blk.12.attn_q.bias"), "model.layers.12.self_attn.q_proj.bias");
  EXPECT_EQ(hugging_face_name(names, "blk.3.ffn_norm.weight"),
            "model.layers.3.post_attention_layernorm.weight");
}

TEST(GgufNames, OthersHaveNone) {
  for (const char* name :
       {"", "weight", "output.scale", "blk.0.weight", "blk..attn_q.weight", "blk.x.attn_q.weight", "blk.1",
        "blk.07.attn_q.weight", "blk.-1.attn_q.weight", "blk.0.attn_qkv.weight", "blk.0.ffn_gate_exps.weight",
        "blk.0.token_embd.weight", "attn_q.weight", "blk.99999999999999999999.attn_q.weight",
        "blk.0.attn_norm.bias", "token_embd.bias"}) {
    EXPECT_EQ(hugging_face_name(gguf_decoder_names(), name), std::nullopt) << name;
  }
  EXPECT_EQ(gguf_block_of("blk.7.anything"), 7);
  EXPECT_EQ(gguf_block_of("blk.7"), std::nullopt);
  EXPECT_EQ(gguf_block_of("output.weight"), std::nullopt);
}

TEST(GgufNames, AStackHoldsAMatrixForEachExpert) {
  GgufNames names = gguf_decoder_names();
  names.inside["ffn_up_exps"] = "mlp.experts.{}.up_proj";
  EXPECT_TRUE(is_expert_stack(names, "blk.1.ffn_up_exps.weight"));
  EXPECT_FALSE(is_expert_stack(names, "blk.1.ffn_up.weight"));
  EXPECT_FALSE(is_expert_stack(names, "blk.1.ffn_gate_exps.weight"));
  EXPECT_EQ(hugging_face_name(names, "blk.1.ffn_up_exps.weight", 12),
            "model.layers.1.mlp.experts.12.up_proj.weight");
  EXPECT_EQ(hugging_face_name(names, "blk.1.ffn_up_exps.weight"), std::nullopt);
  EXPECT_EQ(hugging_face_name(names, "blk.1.ffn_up.weight", 0), std::nullopt);
}

}  // namespace
}  // namespace lq
