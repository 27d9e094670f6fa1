#include "formats/gguf/gguf_names.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

TEST(GgufNames, AreHuggingFacesOfTheSameTensor) {
  EXPECT_EQ(hugging_face_name("token_embd.weight"), "model.embed_tokens.weight");
  EXPECT_EQ(hugging_face_name("output.weight"), "lm_head.weight");
  EXPECT_EQ(hugging_face_name("output_norm.weight"), "model.norm.weight");
  EXPECT_EQ(hugging_face_name("blk.0.attn_output.weight"), "model.layers.0.self_attn.o_proj.weight");
  EXPECT_EQ(hugging_face_name("blk.12.attn_q.bias"), "model.layers.12.self_attn.q_proj.bias");
  EXPECT_EQ(hugging_face_name("blk.3.attn_k_norm.weight"), "model.layers.3.self_attn.k_norm.weight");
  EXPECT_EQ(hugging_face_name("blk.3.ffn_norm.weight"), "model.layers.3.post_attention_layernorm.weight");
}

TEST(GgufNames, OthersHaveNone) {
  for (const char* name :
       {"", "weight", "output.scale", "blk.0.weight", "blk..attn_q.weight", "blk.x.attn_q.weight", "blk.1",
        "blk.07.attn_q.weight", "blk.-1.attn_q.weight", "blk.0.attn_qkv.weight", "blk.0.ffn_gate_exps.weight",
        "blk.0.token_embd.weight", "attn_q.weight", "blk.99999999999999999999.attn_q.weight"}) {
    EXPECT_EQ(hugging_face_name(name), std::nullopt) << name;
  }
  EXPECT_EQ(gguf_block_of("blk.7.anything"), 7);
  EXPECT_EQ(gguf_block_of("blk.7"), std::nullopt);
  EXPECT_EQ(gguf_block_of("output.weight"), std::nullopt);
}

}  // namespace
}  // namespace lq
