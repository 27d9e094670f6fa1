#include "models/families/qwen3.h"

#include <gtest/gtest.h>

#include "models/decoder_config.h"

namespace lq {
namespace {

nlohmann::ordered_json qwen3_config() { return decoder_config("Qwen3ForCausalLM", "qwen3"); }

TEST(Qwen3Family, HeadsHaveTheirOwnWidthAndNorms) {
  auto json = qwen3_config();
  EXPECT_EQ(spec_of(json).head_dim(), 128);  // of transformers, not hidden_size / num_attention_heads
  json["head_dim"] = 12;
  const ModelSpec spec = spec_of(json);
  EXPECT_EQ(spec.head_dim(), 12);
  EXPECT_EQ(spec.kv_width(), 24);
  for (const BlockSpec& b : spec.blocks) {
    EXPECT_EQ(b.attention.qk_norm, QkNorm::kPerHead);
    EXPECT_FALSE(b.attention.qkv_bias || b.attention.output_bias);
  }
  json["attention_bias"] = true;
  EXPECT_TRUE(spec_of(json).blocks[0].attention.qkv_bias);
  EXPECT_TRUE(spec_of(json).blocks[0].attention.output_bias);
}

TEST(Qwen3Family, WindowsOnlyWhereTheyAreUsed) {
  auto json = qwen3_config();
  json["sliding_window"] = 9;
  json["max_window_layers"] = 1;
  EXPECT_EQ(spec_of(json).blocks[1].attention.window, 0);
  json["use_sliding_window"] = true;
  EXPECT_EQ(spec_of(json).blocks[0].attention.window, 0);
  EXPECT_EQ(spec_of(json).blocks[1].attention.window, 9);
}

TEST(Qwen3Family, NamesTheNorms) {
  const JsonObject config = config_of(qwen3_config());
  const TensorNames& names = model_family(config).names;
  EXPECT_EQ(names.module(Role::kQNorm, 1), "model.layers.1.self_attn.q_norm");
  EXPECT_EQ(names.module(Role::kKNorm, 0), "model.layers.0.self_attn.k_norm");
  int norms = 0;
  for (const ModelTensor& t : model_tensors(model_spec(config), names)) {
    if (t.role == Role::kQNorm || t.role == Role::kKNorm) {
      EXPECT_EQ(t.shape, (Shape{128}));
      ++norms;
    }
  }
  EXPECT_EQ(norms, 4);
}

}  // namespace
}  // namespace lq
