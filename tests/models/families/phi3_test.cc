#include "models/families/phi3.h"

#include <gtest/gtest.h>

#include "models/decoder_config.h"

namespace lq {
namespace {

nlohmann::ordered_json phi3_config() { return decoder_config("Phi3ForCausalLM", "phi3"); }

TEST(Phi3Family, FusesAndTurnsAPart) {
  auto json = phi3_config();
  EXPECT_EQ(spec_of(json).blocks[0].attention.window, 0);
  json["sliding_window"] = 9;
  json["partial_rotary_factor"] = 0.5;
  json["original_max_position_embeddings"] = 32;
  json["rope_scaling"] = {{"type", "su"}, {"short_factor", {1.0, 1.5}}, {"long_factor", {2.0, 9.0}}};
  const ModelSpec spec = spec_of(json);
  EXPECT_TRUE(spec.blocks[0].attention.fused_qkv && spec.blocks[0].mlp.fused_gate_up);
  EXPECT_EQ(spec.blocks[1].attention.window, 9);
  EXPECT_EQ(spec.rope.type, RopeType::kLongRope);
  EXPECT_EQ(spec.rope.dims(8), 4);
  EXPECT_NEAR(spec.rope.attention_factor, std::sqrt(1.0 + std::log(4.0) / std::log(32.0)), 1e-9);
  const auto near = rope_frequencies(spec.rope, 8, 32), far = rope_frequencies(spec.rope, 8, 33);
  EXPECT_FLOAT_EQ(near[0], 1.0F);
  EXPECT_FLOAT_EQ(far[0], 0.5F);
  EXPECT_FLOAT_EQ(near[1] * 1.5F, far[1] * 9.0F);
}

TEST(Phi3Family, FactorsMustFitTheDimensionsThatTurn) {
  auto json = phi3_config();
  json["rope_scaling"] = {{"type", "longrope"}, {"short_factor", {1.0}}, {"long_factor", {2.0}}};
  EXPECT_THROW(spec_of(json), Error);
  json.erase("rope_scaling");
  json["partial_rotary_factor"] = 0.3;  // 2.4 of 8 dimensions
  EXPECT_EQ(spec_of(json).rope.dims(8), 2);
  json["partial_rotary_factor"] = 0.45;  // three
  EXPECT_THROW(spec_of(json), Error);
}

}  // namespace
}  // namespace lq
