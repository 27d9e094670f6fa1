#include <gtest/gtest.h>

#include "formats/gguf/gguf_kind_test_file.h"

namespace lq {
namespace {

TEST(GgufKindSmollm3, EveryFourthLayerDoesNotTurn) {
  const GgufConfig c = gguf_test::KindFile("smollm3").config();
  EXPECT_EQ(c.config.integer("no_rope_layer_interval"), 4);
  EXPECT_FALSE(c.config.has("no_rope_layers"));
  EXPECT_EQ(hugging_face_name(c.kind->names, "blk.0.ffn_up.bias"), std::nullopt);
  EXPECT_EQ(c.permuted_head_dim, 8);
}

TEST(GgufKindSmollm3, ItsPaddingTokenIsNotBehindTheLastRow) {
  const GgufConfig c = gguf_test::KindFile("smollm3").config();
  ASSERT_TRUE(c.config.json().contains("pad_token_id"));
  EXPECT_TRUE(c.config.json()["pad_token_id"].is_null());
}

}  // namespace
}  // namespace lq
