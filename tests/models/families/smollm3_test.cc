#include "models/families/smollm3.h"

#include <gtest/gtest.h>

#include "models/decoder_config.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

nlohmann::ordered_json smollm3_config() { return decoder_config("SmolLM3ForCausalLM", "smollm3"); }

TEST(SmolLm3Family, EveryFourthLayerDoesNotTurn) {
  auto json = smollm3_config();
  json["num_hidden_layers"] = 8;
  ModelSpec spec = spec_of(json);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(spec.blocks[i].attention.rope, i % 4 == 3 ? RopeUse::kNone : RopeUse::kGlobal);
  }
  EXPECT_EQ(spec.rope.theta, 2e6);
  EXPECT_TRUE(spec.tied_embeddings);
  json["no_rope_layers"] = {0, 1, 1, 1, 1, 1, 1, 1};
  json["use_sliding_window"] = true;
  json["sliding_window"] = 6;
  spec = spec_of(json);
  EXPECT_EQ(spec.blocks[0].attention.rope, RopeUse::kNone);
  EXPECT_EQ(spec.blocks[0].attention.window, 6);
  EXPECT_EQ(spec.blocks[3].attention.rope, RopeUse::kGlobal);
  EXPECT_EQ(spec.blocks[3].attention.window, 0);
  json["no_rope_layers"] = {0, 1};
  EXPECT_THROW(spec_of(json), Error);
}

// In transformers the mask follows layer_types, and some kinds of attention use_sliding_window.
TEST(SmolLm3Family, RefusesWindowsOfLayersThatAreNotUsed) {
  auto json = smollm3_config();
  json["layer_types"] = {"full_attention", "sliding_attention"};
  json["sliding_window"] = 6;
  io_test::expect_error(ErrorCode::kUnsupported,
                        {"layer 1 one with a window, but use_sliding_window is false and sliding_window 6"},
                        [&] { spec_of(json); });
  json["use_sliding_window"] = true;
  EXPECT_EQ(spec_of(json).blocks[1].attention.window, 6);
  json["sliding_window"] = nullptr;
  EXPECT_THROW(spec_of(json), Error);
  json["layer_types"] = {"full_attention", "full_attention"};
  EXPECT_EQ(spec_of(json).blocks[1].attention.window, 0);
}

}  // namespace
}  // namespace lq
