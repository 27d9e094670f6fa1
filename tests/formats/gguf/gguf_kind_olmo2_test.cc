#include <gtest/gtest.h>

#include "formats/gguf/gguf_kind_test_file.h"

namespace lq {
namespace {

TEST(GgufKindOlmo2, NormsStandAfterTheBranches) {
  const GgufConfig c = gguf_test::KindFile("olmo2").config();
  EXPECT_EQ(c.config.texts("architectures"), std::vector<std::string>{"Olmo2ForCausalLM"});
  EXPECT_FALSE(c.config.boolean("attention_bias"));
  const GgufNames& names = c.kind->names;
  EXPECT_EQ(hugging_face_name(names, "blk.1.post_attention_norm.weight"),
            "model.layers.1.post_attention_layernorm.weight");
  EXPECT_EQ(hugging_face_name(names, "blk.1.post_ffw_norm.weight"),
            "model.layers.1.post_feedforward_layernorm.weight");
  EXPECT_EQ(hugging_face_name(names, "blk.1.attn_norm.weight"), std::nullopt);
  EXPECT_EQ(hugging_face_name(names, "blk.1.ffn_up.bias"), std::nullopt);
}

}  // namespace
}  // namespace lq
