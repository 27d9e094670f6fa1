#include "models/families/gpt2.h"

#include <gtest/gtest.h>

#include "models/decoder_config.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

nlohmann::ordered_json gpt2_config() {
  return {{"architectures", {"GPT2LMHeadModel"}},
          {"model_type", "gpt2"},
          {"vocab_size", 97},
          {"n_embd", 32},
          {"n_layer", 2},
          {"n_head", 4},
          {"n_positions", 64}};
}

TEST(Gpt2Family, OtherFamiliesNamesOfItsKeys) {
  nlohmann::ordered_json json = gpt2_config();
  json.erase("n_embd");
  json["hidden_size"] = 16;
  json["num_hidden_layers"] = 2;  // as n_layer says
  EXPECT_EQ(spec_of(json).hidden, 16);
  for (const int layers : {0, 1}) {
    json["num_hidden_layers"] = layers;
    io_test::expect_error(ErrorCode::kUnsupported, {"n_layer is 2, but num_hidden_layers"},
                          [&] { spec_of(json); });
  }
}

TEST(Gpt2Family, ReadsItsOwnKeys) {
  auto json = gpt2_config();
  ModelSpec spec = spec_of(json);
  EXPECT_EQ(spec.learned_positions, 64);
  EXPECT_EQ(spec.longest_sequence(), 64);
  EXPECT_TRUE(spec.tied_embeddings);
  EXPECT_FALSE(spec.uses(RopeUse::kGlobal) || spec.uses(RopeUse::kLocal));
  const BlockSpec& b = spec.blocks[1];
  EXPECT_EQ(b.norm.kind, NormKind::kLayer);
  EXPECT_FALSE(b.mlp.gated);
  EXPECT_EQ(b.mlp.inner, 128);
  EXPECT_EQ(b.mlp.activation, Activation::kGeluTanh);
  EXPECT_FLOAT_EQ(b.attention.scale, 1.0F / std::sqrt(8.0F));
  json["scale_attn_by_inverse_layer_idx"] = true;
  EXPECT_FLOAT_EQ(spec_of(json).blocks[1].attention.scale, 0.5F / std::sqrt(8.0F));
  json["scale_attn_weights"] = false;
  EXPECT_FLOAT_EQ(spec_of(json).blocks[1].attention.scale, 0.5F);
  json["n_inner"] = 48;
  EXPECT_EQ(spec_of(json).blocks[0].mlp.inner, 48);
}

TEST(Gpt2Family, RefusesWhatItDoesNotCompute) {
  auto json = gpt2_config();
  json["add_cross_attention"] = true;
  EXPECT_THROW(spec_of(json), Error);
  json["add_cross_attention"] = false;
  json["activation_function"] = "mish";
  EXPECT_THROW(spec_of(json), Error);
}

}  // namespace
}  // namespace lq
