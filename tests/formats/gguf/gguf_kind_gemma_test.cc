#include <gtest/gtest.h>

#include "formats/gguf/gguf_kind_test_file.h"

namespace lq {
namespace {

using gguf_test::KindFile;
using Kinds = std::vector<std::string>;

const std::string kFull = "full_attention";
const std::string kSliding = "sliding_attention";

TEST(GgufKindGemma, Gemma2TakesWhatLlamaCppTakesWhereNothingIsSaid) {
  const GgufConfig c = KindFile("gemma2").config();
  EXPECT_TRUE(c.kind->norms_plus_one);
  EXPECT_EQ(c.permuted_head_dim, 0);
  EXPECT_EQ(c.config.text("hidden_activation"), "gelu_pytorch_tanh");
  EXPECT_EQ(c.config.integer("query_pre_attn_scalar"), 8);
  EXPECT_EQ(c.config.number("attn_logit_softcapping"), 50.0);
  EXPECT_EQ(c.config.number("final_logit_softcapping"), 30.0);
  EXPECT_EQ(c.config.integer("sliding_window"), 4096);
  EXPECT_EQ(c.config.texts("layer_types"), (Kinds{kSliding, kFull, kSliding, kFull}));
  KindFile("gemma2")
      .f32("rope.freq_base_swa", 1e4F)
      .expect_refused(ErrorCode::kUnsupported, {"gemma2.rope.freq_base_swa"});
}

TEST(GgufKindGemma, Gemma3HasWindowsWhereThereIsOne) {
  const GgufConfig plain = KindFile("gemma3").config();
  EXPECT_FALSE(plain.config.has("sliding_window"));
  EXPECT_EQ(plain.config.texts("layer_types"), Kinds(4, kFull));
  EXPECT_FALSE(plain.config.has("final_logit_softcapping"));
  KindFile file("gemma3");
  file.u32("attention.sliding_window", 16).f32("rope.freq_base", 1e6F);
  EXPECT_EQ(file.config().config.texts("layer_types"), Kinds(4, kSliding));
  EXPECT_EQ(file.config().config.number("rope_local_base_freq"), 10000.0);
  EXPECT_EQ(file.config().config.number("rope_theta"), 1e6);
  file.flags("attention.sliding_window_pattern", {true, false, true, false})
      .f32("rope.freq_base_swa", 500.0F);
  EXPECT_EQ(file.config().config.texts("layer_types"), (Kinds{kSliding, kFull, kSliding, kFull}));
  EXPECT_EQ(file.config().config.number("rope_local_base_freq"), 500.0);
}

TEST(GgufKindGemma, PatternsMayBeNumbers) {
  KindFile file("gemma3");
  file.u32("attention.sliding_window", 16).u32("attention.sliding_window_pattern", 3);
  EXPECT_EQ(file.config().config.texts("layer_types"), (Kinds{kSliding, kSliding, kFull, kSliding}));
  KindFile wrong("gemma3");
  wrong.u32("attention.sliding_window", 16).flags("attention.sliding_window_pattern", {true});
  wrong.expect_refused(ErrorCode::kCorruptFile, {"sliding_window_pattern has 1 entries for 4 blocks"});
  KindFile("gemma3")
      .f32("attn_logit_softcapping", 5.0F)
      .expect_refused(ErrorCode::kUnsupported, {"gemma3.attn_logit_softcapping"});
}

TEST(GgufKindGemma, TheLargestHasAnotherScale) {
  KindFile file("gemma3");
  file.u32("attention.key_length", 4).u32("attention.value_length", 4);
  EXPECT_EQ(file.config().config.integer("query_pre_attn_scalar"), 4);
}

}  // namespace
}  // namespace lq
