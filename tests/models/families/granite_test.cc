#include "models/families/granite.h"

#include <gtest/gtest.h>

#include "models/decoder_config.h"

namespace lq {
namespace {

TEST(GraniteFamily, ReadsItsMultipliers) {
  auto json = decoder_config("GraniteForCausalLM", "granite");
  EXPECT_EQ(spec_of(json).blocks[0].attention.scale, 1.0F);  // not 1 / sqrt(head_dim)
  json["embedding_multiplier"] = 12.0;
  json["logits_scaling"] = 8.0;
  json["residual_multiplier"] = 0.22;
  json["attention_multiplier"] = 0.0078125;
  const ModelSpec spec = spec_of(json);
  EXPECT_EQ(spec.embedding_multiplier, 12.0F);
  EXPECT_EQ(spec.logits_multiplier, 0.125F);
  EXPECT_EQ(spec.blocks[1].residual_multiplier, 0.22F);
  EXPECT_EQ(spec.blocks[1].attention.scale, 0.0078125F);
}

}  // namespace
}  // namespace lq
