#include <gtest/gtest.h>

#include "formats/gguf/gguf_kind_test_file.h"

namespace lq {
namespace {

using gguf_test::KindFile;

KindFile& as_bert(KindFile& file) {
  return file.f32("attention.layer_norm_epsilon", 1e-12F)
      .flag("attention.causal", false)
      .tensor("token_types.weight", {2, 16});
}

TEST(GgufKindBert, IsAnEncoderWithoutAHead) {
  KindFile file("bert");
  const GgufConfig c = as_bert(file).u32("pooling_type", 1).config();
  EXPECT_EQ(c.config.text("model_type"), "bert");
  EXPECT_EQ(c.config.json()["architectures"], nlohmann::ordered_json({"BertModel"}));
  EXPECT_EQ(c.config.integer("hidden_size"), 16);
  EXPECT_EQ(c.config.integer("num_attention_heads"), 2);
  EXPECT_EQ(c.config.integer("type_vocab_size"), 2);
  EXPECT_EQ(c.config.integer("max_position_embeddings"), 64);
  EXPECT_EQ(static_cast<float>(c.config.number("layer_norm_eps")), 1e-12F);
  EXPECT_FALSE(c.config.has("rope_theta"));
  EXPECT_EQ(hugging_face_name(c.kind->names, "blk.2.attn_q.bias"),
            "encoder.layer.2.attention.self.query.bias");
  EXPECT_EQ(hugging_face_name(c.kind->names, "blk.0.layer_output_norm.weight"),
            "encoder.layer.0.output.LayerNorm.weight");
  EXPECT_EQ(hugging_face_name(c.kind->names, "token_embd_norm.bias"), "embeddings.LayerNorm.bias");
  EXPECT_FALSE(hugging_face_name(c.kind->names, "token_embd.bias").has_value());
}

TEST(GgufKindBert, WhatIsNoSuchEncoderIsRefused) {
  KindFile("bert")
      .f32("attention.layer_norm_epsilon", 1e-12F)
      .tensor("token_types.weight", {2, 16})
      .expect_refused(ErrorCode::kUnsupported, {"bert.attention.causal is true"});
  KindFile("bert")
      .f32("attention.layer_norm_epsilon", 1e-12F)
      .flag("attention.causal", false)
      .expect_refused(ErrorCode::kNotFound, {"token_types.weight"});
  KindFile grouped("bert");
  as_bert(grouped)
      .u32("attention.head_count_kv", 1)
      .expect_refused(ErrorCode::kUnsupported, {"2 heads of 8"});
}

}  // namespace
}  // namespace lq
