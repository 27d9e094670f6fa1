#include "models/families/qwen3.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

nlohmann::ordered_json base() {
  return {{"architectures", {"Qwen3ForCausalLM"}},
          {"model_type", "qwen3"},
          {"vocab_size", 97},
          {"hidden_size", 32},
          {"intermediate_size", 44},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"max_position_embeddings", 128}};
}

ModelSpec read(const nlohmann::ordered_json& json) {
  return model_spec(JsonObject(json, "[config] DIR/config.json"));
}

TEST(Qwen3Family, HeadsHaveTheirOwnWidthAndNorms) {
  auto json = base();
  EXPECT_EQ(read(json).head_dim(), 128);  // of transformers, not hidden_size / num_attention_heads
  json["head_dim"] = 12;
  const ModelSpec spec = read(json);
  EXPECT_EQ(spec.head_dim(), 12);
  EXPECT_EQ(spec.kv_width(), 24);
  for (const BlockSpec& b : spec.blocks) {
    EXPECT_EQ(b.attention.qk_norm, QkNorm::kPerHead);
    EXPECT_FALSE(b.attention.qkv_bias || b.attention.output_bias);
  }
  json["attention_bias"] = true;
  EXPECT_TRUE(read(json).blocks[0].attention.qkv_bias);
  EXPECT_TRUE(read(json).blocks[0].attention.output_bias);
}

TEST(Qwen3Family, WindowsOnlyWhereTheyAreUsed) {
  auto json = base();
  json["sliding_window"] = 9;
  json["max_window_layers"] = 1;
  EXPECT_EQ(read(json).blocks[1].attention.window, 0);
  json["use_sliding_window"] = true;
  EXPECT_EQ(read(json).blocks[0].attention.window, 0);
  EXPECT_EQ(read(json).blocks[1].attention.window, 9);
}

TEST(Qwen3Family, NamesTheNorms) {
  const JsonObject config(base(), "x");
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
