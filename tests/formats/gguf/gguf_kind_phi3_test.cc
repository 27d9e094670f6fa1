#include <gtest/gtest.h>

#include "formats/gguf/gguf_kind_test_file.h"

namespace lq {
namespace {

using gguf_test::KindFile;

TEST(GgufKindPhi3, HeadsThatTurnInPart) {
  EXPECT_FALSE(KindFile("phi3").config().config.has("partial_rotary_factor"));
  EXPECT_EQ(KindFile("phi3").u32("rope.dimension_count", 6).config().config.number("partial_rotary_factor"),
            0.75);
  KindFile("phi3")
      .u32("rope.dimension_count", 10)
      .expect_refused(ErrorCode::kCorruptFile, {"phi3.rope.dimension_count", "2 to 8"});
  // 49 * (k / 49.0) is rounded below k for some k.
  for (std::uint32_t dims = 2; dims <= 98; dims += 2) {
    const GgufConfig c = KindFile("phi3")
                             .u32("attention.key_length", 98)
                             .u32("attention.value_length", 98)
                             .u32("rope.dimension_count", dims)
                             .config();
    const double share = dims == 98 ? 1.0 : c.config.number("partial_rotary_factor");
    ASSERT_EQ(static_cast<std::uint32_t>(98.0 * share), dims);
  }
}

TEST(GgufKindPhi3, ItsPaddingTokenIsNotBehindTheLastRow) {
  const GgufConfig c = KindFile("phi3").config();
  ASSERT_TRUE(c.config.json().contains("pad_token_id"));
  EXPECT_TRUE(c.config.json()["pad_token_id"].is_null());
}

TEST(GgufKindPhi3, Windows) {
  EXPECT_EQ(KindFile("phi3").u32("attention.sliding_window", 9).config().config.integer("sliding_window"), 9);
  EXPECT_FALSE(KindFile("phi3").u32("attention.sliding_window", 0).config().config.has("sliding_window"));
}

TEST(GgufKindPhi3, FactorsOfFrequencies) {
  KindFile file("phi3");
  file.u32("rope.scaling.original_context_length", 32).f32("rope.scaling.attn_factor", 1.5F);
  file.expect_refused(ErrorCode::kUnsupported, {"attn_factor is 1.5, but there are no factors"});
  file.tensor("rope_factors_short.weight", {4});
  file.expect_refused(ErrorCode::kNotFound, {"are not both there"});
  file.tensor("rope_factors_long.weight", {4});
  const GgufConfig c = file.config();
  const JsonObject rope = c.config.section("rope_scaling");
  EXPECT_EQ(rope.text("rope_type"), "longrope");
  EXPECT_EQ(rope.numbers("long_factor", 0.0, 1.0), std::vector<double>(4, 0.0));
  EXPECT_EQ(rope.number("attention_factor"), 1.5);
  EXPECT_EQ(c.config.integer("original_max_position_embeddings"), 32);
  EXPECT_TRUE(c.said.contains("rope_factors_long.weight"));
  KindFile("phi3")
      .tensor("rope_factors_short.weight", {3})
      .tensor("rope_factors_long.weight", {4})
      .expect_refused(ErrorCode::kCorruptFile, {"rope_factors_short.weight is [3] F32, but must be [4]"});
  KindFile("phi3").text("rope.scaling.type", "yarn").expect_refused(ErrorCode::kUnsupported, {"\"yarn\""});
  KindFile("phi3")
      .text("rope.scaling.type", "longrope")
      .expect_refused(ErrorCode::kNotFound, {"rope_factors"});
}

}  // namespace
}  // namespace lq
