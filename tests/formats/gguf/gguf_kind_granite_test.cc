#include <gtest/gtest.h>

#include <cmath>

#include "formats/gguf/gguf_kind_test_file.h"

namespace lq {
namespace {

using gguf_test::KindFile;

TEST(GgufKindGranite, Factors) {
  KindFile("granite").expect_refused(ErrorCode::kNotFound, {"granite.logit_scale"});
  KindFile file("granite");
  file.f32("logit_scale", 8.0F);
  EXPECT_EQ(file.config().config.number("logits_scaling"), 8.0);
  EXPECT_EQ(file.config().config.number("embedding_multiplier"), 1.0);
  EXPECT_EQ(file.config().config.number("attention_multiplier"), 1.0 / std::sqrt(8.0));
  file.f32("embedding_scale", 12.0F).f32("residual_scale", 0.22F).f32("attention.scale", 0.015625F);
  EXPECT_EQ(file.config().config.number("embedding_multiplier"), 12.0);
  EXPECT_EQ(file.config().config.number("residual_multiplier"), 0.22);
  EXPECT_EQ(file.config().config.number("attention_multiplier"), 0.015625);
  EXPECT_EQ(file.config().permuted_head_dim, 8);
  file.flag("rope.scaling.finetuned", false).expect_refused(ErrorCode::kUnsupported, {"do not turn"});
}

}  // namespace
}  // namespace lq
