#include "models/families/llama.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "models/registry.h"

namespace lq {
namespace {

nlohmann::ordered_json base() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"vocab_size", 97},
          {"hidden_size", 32},
          {"intermediate_size", 44},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"max_position_embeddings", 128},
          {"rms_norm_eps", 1e-5}};
}

ModelSpec read(const nlohmann::ordered_json& json) {
  return model_spec(JsonObject(json, "[config] DIR/config.json"));
}

std::string error_of(const nlohmann::ordered_json& json) {
  try {
    read(json);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(LlamaFamily, FillsInWhatHuggingFaceFillsIn) {
  const ModelSpec c = read(base());
  EXPECT_EQ(c.kv_heads, 4);
  EXPECT_EQ(c.head_dim, 8);
  EXPECT_FALSE(c.tied_embeddings);
  EXPECT_EQ(c.rope.type, RopeType::kDefault);
  EXPECT_EQ(c.rope.theta, 10000.0);
  EXPECT_EQ(c.bos, -1);
  EXPECT_TRUE(c.eos.empty());
  EXPECT_EQ(c.windows, (std::vector<std::int64_t>{0, 0}));
  // q, k, v, o: 32 x 32 each; three of 44 x 32; two layers.
  EXPECT_EQ(c.block_linear_weights(), 2 * (4 * 32 * 32 + 3 * 44 * 32));
}

TEST(LlamaFamily, BadValuesNameFileAndKey) {
  const std::vector<std::pair<std::string, nlohmann::ordered_json>> bad = {
      {"vocab_size", -5},         {"vocab_size", nullptr},        {"hidden_size", 0},
      {"hidden_size", 1e18},      {"hidden_size", "many"},        {"intermediate_size", -1},
      {"num_hidden_layers", 0},   {"num_hidden_layers", 1000000}, {"num_attention_heads", 0},
      {"num_attention_heads", 3}, {"num_key_value_heads", 3},     {"head_dim", 7},
      {"rms_norm_eps", -1.0},     {"max_position_embeddings", 0}, {"rope_theta", 0.0},
      {"hidden_act", "gelu"},     {"tie_word_embeddings", 3},
  };
  for (const auto& [key, value] : bad) {
    auto json = base();
    json[key] = value;
    const std::string error = error_of(json);
    EXPECT_NE(error.find(key), std::string::npos) << key << " = " << value << ": " << error;
    EXPECT_NE(error.find("DIR/config.json"), std::string::npos) << error;
  }
}

TEST(LlamaFamily, MissingSizesAreNamed) {
  for (const char* key :
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"}) {
    auto json = base();
    json.erase(key);
    EXPECT_NE(error_of(json).find(key), std::string::npos) << error_of(json);
  }
}

TEST(LlamaFamily, ReadsRopeOfOldAndNewTransformers) {
  auto json = base();
  json["rope_theta"] = 500000.0;
  json["rope_scaling"] = {{"type", "linear"}, {"factor", 4.0}};
  EXPECT_EQ(read(json).rope.type, RopeType::kLinear);
  EXPECT_EQ(read(json).rope.theta, 500000.0);
  json["rope_parameters"] = {{"rope_type", "yarn"}, {"rope_theta", 7.0}, {"factor", 2.0}};
  const RopeConfig yarn = read(json).rope;
  EXPECT_EQ(yarn.type, RopeType::kYarn);
  EXPECT_EQ(yarn.theta, 7.0);
  EXPECT_EQ(yarn.original_positions, 128);
  EXPECT_DOUBLE_EQ(yarn.attention_factor, 0.1 * std::log(2.0) + 1.0);
  json["rope_parameters"]["rope_type"] = "longrope";
  EXPECT_NE(error_of(json).find("longrope"), std::string::npos);
  json["rope_parameters"] = {{"rope_type", "llama3"}, {"factor", 8.0}};
  EXPECT_NE(error_of(json).find("rope_parameters.low_freq_factor"), std::string::npos);
}

TEST(LlamaFamily, WindowsOfMistralAndQwen) {
  auto json = base();
  json["architectures"] = {"MistralForCausalLM"};
  json["model_type"] = "mistral";
  json["sliding_window"] = 9;
  EXPECT_EQ(read(json).windows, (std::vector<std::int64_t>{9, 9}));
  json["architectures"] = {"Qwen2ForCausalLM"};
  json["model_type"] = "qwen2";
  EXPECT_EQ(read(json).windows, (std::vector<std::int64_t>{0, 0}));
  EXPECT_TRUE(read(json).qkv_bias);
  EXPECT_FALSE(read(json).output_bias);
  json["use_sliding_window"] = true;
  json["max_window_layers"] = 1;
  EXPECT_EQ(read(json).windows, (std::vector<std::int64_t>{0, 9}));
}

TEST(Registry, RefusesUnknownArchitecturesByName) {
  auto json = base();
  json["architectures"] = {"GPT2LMHeadModel"};
  const std::string error = error_of(json);
  EXPECT_NE(error.find("GPT2LMHeadModel"), std::string::npos);
  EXPECT_NE(error.find("MistralForCausalLM"), std::string::npos) << error;
}

TEST(Registry, NamesTheBlocksLinears) {
  const auto modules = block_linear_modules(JsonObject(base(), "x"));
  ASSERT_EQ(modules.size(), 14U);
  EXPECT_EQ(modules[0], "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(modules[13], "model.layers.1.mlp.down_proj");
}

}  // namespace
}  // namespace lq
