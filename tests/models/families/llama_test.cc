#include "models/families/llama.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "models/decoder_config.h"

namespace lq {
namespace {

nlohmann::ordered_json llama_config() {
  nlohmann::ordered_json json = decoder_config("LlamaForCausalLM", "llama");
  json.erase("num_key_value_heads");
  json["rms_norm_eps"] = 1e-5;
  return json;
}

std::string error_of(const nlohmann::ordered_json& json) {
  try {
    spec_of(json);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::vector<std::int64_t> windows_of(const nlohmann::ordered_json& json) {
  std::vector<std::int64_t> windows;
  for (const BlockSpec& b : spec_of(json).blocks) windows.push_back(b.attention.window);
  return windows;
}

TEST(LlamaFamily, FillsInWhatHuggingFaceFillsIn) {
  const ModelSpec c = spec_of(llama_config());
  ASSERT_EQ(c.layers(), 2);
  EXPECT_EQ(c.blocks[0].attention.kv_heads, 4);
  EXPECT_EQ(c.head_dim(), 8);
  EXPECT_FALSE(c.tied_embeddings);
  EXPECT_EQ(c.rope.type, RopeType::kDefault);
  EXPECT_EQ(c.rope.theta, 10000.0);
  EXPECT_EQ(c.bos, -1);
  EXPECT_TRUE(c.eos.empty());
  EXPECT_EQ(windows_of(llama_config()), (std::vector<std::int64_t>{0, 0}));
}

TEST(LlamaFamily, BadValuesNameFileAndKey) {
  const std::vector<std::pair<std::string, nlohmann::ordered_json>> bad = {
      {"vocab_size", -5},         {"vocab_size", nullptr},        {"hidden_size", 0},
      {"hidden_size", 1e18},      {"hidden_size", "many"},        {"intermediate_size", -1},
      {"num_hidden_layers", 0},   {"num_hidden_layers", 1000000}, {"num_attention_heads", 0},
      {"num_attention_heads", 3}, {"num_key_value_heads", 3},     {"head_dim", 7},
      {"rms_norm_eps", -1.0},     {"max_position_embeddings", 0}, {"rope_theta", 0.0},
      {"hidden_act", "mish"},     {"tie_word_embeddings", 3},
  };
  for (const auto& [key, value] : bad) {
    auto json = llama_config();
    json[key] = value;
    const std::string error = error_of(json);
    EXPECT_NE(error.find(key), std::string::npos) << key << " = " << value << ": " << error;
    EXPECT_NE(error.find("DIR/config.json"), std::string::npos) << error;
  }
}

TEST(LlamaFamily, MissingSizesAreNamed) {
  for (const char* key :
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"}) {
    auto json = llama_config();
    json.erase(key);
    EXPECT_NE(error_of(json).find(key), std::string::npos) << error_of(json);
  }
}

TEST(LlamaFamily, ReadsRopeOfOldAndNewTransformers) {
  auto json = llama_config();
  json["rope_theta"] = 500000.0;
  json["rope_scaling"] = {{"type", "linear"}, {"factor", 4.0}};
  EXPECT_EQ(spec_of(json).rope.type, RopeType::kLinear);
  EXPECT_EQ(spec_of(json).rope.theta, 500000.0);
  json.erase("rope_scaling");
  json["rope_parameters"] = {{"rope_type", "yarn"}, {"rope_theta", 7.0}, {"factor", 2.0}};
  const RopeConfig yarn = spec_of(json).rope;
  EXPECT_EQ(yarn.type, RopeType::kYarn);
  EXPECT_EQ(yarn.theta, 7.0);
  EXPECT_EQ(yarn.original_positions, 128);
  EXPECT_DOUBLE_EQ(yarn.attention_factor, 0.1 * std::log(2.0) + 1.0);
  json["rope_parameters"]["rope_type"] = "longrope";
  EXPECT_NE(error_of(json).find("longrope"), std::string::npos);
  json["rope_parameters"] = {{"rope_type", "llama3"}, {"factor", 8.0}};
  EXPECT_NE(error_of(json).find("rope_parameters.low_freq_factor"), std::string::npos);
}

// Each as transformers 5.24 reads it.
TEST(LlamaFamily, RopeKeysThatStandElsewhere) {
  auto json = llama_config();
  json["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 1000.0}};
  json["rope_scaling"] = {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 64}};
  RopeConfig rope = spec_of(json).rope;  // rope_scaling, added by hand, hides rope_parameters and its theta
  EXPECT_EQ(rope.type, RopeType::kYarn);
  EXPECT_EQ(rope.theta, 10000.0);
  EXPECT_EQ(rope.original_positions, 64);
  json["original_max_position_embeddings"] = 32;  // beside the section: it wins
  EXPECT_EQ(spec_of(json).rope.original_positions, 32);
  json = llama_config();
  json["rope_theta"] = 1000.0;
  json["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 2.0}, {"rope_theta", 500.0}};
  EXPECT_EQ(spec_of(json).rope.theta, 500.0);
  json["rope_scaling"] = nlohmann::ordered_json::object();  // says nothing
  EXPECT_EQ(spec_of(json).rope.theta, 1000.0);
  json["partial_rotary_factor"] = 0.5;
  EXPECT_NE(error_of(json).find("partial_rotary_factor"), std::string::npos);
}

TEST(LlamaFamily, BiasesByTheirKeys) {
  auto json = llama_config();
  json["attention_bias"] = true;
  const BlockSpec b = spec_of(json).blocks[1];
  EXPECT_TRUE(b.attention.qkv_bias && b.attention.output_bias);
  EXPECT_FALSE(b.mlp.bias);
  json["mlp_bias"] = true;
  EXPECT_TRUE(spec_of(json).blocks[0].mlp.bias);
}

TEST(LlamaFamily, WindowsOfMistralAndQwen) {
  auto json = llama_config();
  json["architectures"] = {"MistralForCausalLM"};
  json["model_type"] = "mistral";
  json["sliding_window"] = 9;
  EXPECT_EQ(windows_of(json), (std::vector<std::int64_t>{9, 9}));
  json["layer_types"] = {"full_attention", "sliding_attention"};
  EXPECT_EQ(windows_of(json), (std::vector<std::int64_t>{0, 9}));
  json["layer_types"] = {"full_attention", "chunked_attention"};
  EXPECT_NE(error_of(json).find("chunked_attention"), std::string::npos);
  json["layer_types"] = {"full_attention"};
  EXPECT_NE(error_of(json).find("layer_types has 1 entries for 2 layers"), std::string::npos);
  json.erase("layer_types");
  json["sliding_window"] = nullptr;
  EXPECT_EQ(windows_of(json), (std::vector<std::int64_t>{0, 0}));
  json["sliding_window"] = 9;
  json["architectures"] = {"Qwen2ForCausalLM"};
  json["model_type"] = "qwen2";
  EXPECT_EQ(windows_of(json), (std::vector<std::int64_t>{0, 0}));
  EXPECT_TRUE(spec_of(json).blocks[0].attention.qkv_bias);
  EXPECT_FALSE(spec_of(json).blocks[0].attention.output_bias);
  json["use_sliding_window"] = true;
  json["max_window_layers"] = 1;
  EXPECT_EQ(windows_of(json), (std::vector<std::int64_t>{0, 9}));
}

}  // namespace
}  // namespace lq
