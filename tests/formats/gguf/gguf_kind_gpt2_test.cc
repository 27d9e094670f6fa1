#include <gtest/gtest.h>

#include "formats/gguf/gguf_kind_test_file.h"

namespace lq {
namespace {

using gguf_test::KindFile;

TEST(GgufKindGpt2, HasKeysOfItsOwn) {
  const GgufConfig c = KindFile("gpt2").f32("attention.layer_norm_epsilon", 1e-5F).config();
  EXPECT_EQ(c.config.integer("n_embd"), 16);
  EXPECT_EQ(c.config.integer("n_inner"), 12);
  EXPECT_EQ(c.config.integer("n_positions"), 64);
  EXPECT_EQ(c.config.number("layer_norm_epsilon"), 1e-5);
  EXPECT_EQ(c.config.text("activation_function"), "gelu_new");
  EXPECT_FALSE(c.config.has("hidden_size"));
  EXPECT_EQ(hugging_face_name(c.kind->names, "blk.2.attn_qkv.bias"), "transformer.h.2.attn.c_attn.bias");
  EXPECT_EQ(hugging_face_name(c.kind->names, "position_embd.weight"), "transformer.wpe.weight");
  EXPECT_EQ(hugging_face_name(c.kind->names, "output_norm.bias"), "transformer.ln_f.bias");
  EXPECT_EQ(c.blocks, 4);
}

TEST(GgufKindGpt2, OtherHeadsAreRefused) {
  KindFile("gpt2").expect_refused(ErrorCode::kNotFound, {"gpt2.attention.layer_norm_epsilon"});
  KindFile("gpt2")
      .f32("attention.layer_norm_epsilon", 1e-5F)
      .u32("attention.head_count_kv", 1)
      .expect_refused(ErrorCode::kUnsupported, {"gpt2.attention.head_count_kv"});
  KindFile("gpt2")
      .f32("attention.layer_norm_epsilon", 1e-5F)
      .u32("attention.key_length", 4)
      .u32("attention.value_length", 4)
      .expect_refused(ErrorCode::kUnsupported, {"2 heads of 4"});
}

}  // namespace
}  // namespace lq
