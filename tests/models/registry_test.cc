#include "models/registry.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "models/decoder_config.h"

namespace lq {
namespace {

nlohmann::ordered_json known_config() { return decoder_config("LlamaForCausalLM", "llama"); }

TEST(Registry, RefusesUnknownArchitecturesByName) {
  auto json = known_config();
  json["architectures"] = {"GPT9LMHeadModel"};
  EXPECT_EQ(find_model_family(config_of(json)), nullptr);
  try {
    model_spec(config_of(json));
    FAIL() << "read";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    for (const char* part :
         {"DIR/config.json", "GPT9LMHeadModel", "MistralForCausalLM", "Qwen3ForCausalLM"}) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  }
}

TEST(Registry, FindsAFamilyByArchitectureElseByType) {
  auto json = known_config();
  EXPECT_EQ(find_model_family(config_of(json))->model_type, "llama");
  json["architectures"] = {"SomethingNew", "Qwen3ForCausalLM"};
  EXPECT_EQ(find_model_family(config_of(json))->model_type, "qwen3");
  json["architectures"] = {"MistralModel"};  // saved without its head
  EXPECT_EQ(find_model_family(config_of(json))->model_type, "mistral");
  json.erase("architectures");
  EXPECT_EQ(find_model_family(config_of(json))->model_type, "llama");
  json.erase("model_type");
  EXPECT_EQ(find_model_family(config_of(json)), nullptr);
}

// transformers goes by model_type, whatever the list of architectures says.
TEST(Registry, RefusesTwoModelsInOneConfig) {
  auto json = known_config();
  json["model_type"] = "qwen2";
  try {
    model_spec(config_of(json));
    FAIL() << "read";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(e.what()).find("architectures says LlamaForCausalLM, but model_type says qwen2"),
              std::string::npos)
        << e.what();
  }
  json["model_type"] = "a_kin_of_llama";
  EXPECT_EQ(model_family(config_of(json)).model_type, "llama") << "a type that nobody knows says nothing";
}

TEST(Registry, RefusesDecodersThatSeeTheWholeSequence) {
  for (const auto& [architecture, type] :
       {std::pair("LlamaForCausalLM", "llama"), std::pair("Gemma2ForCausalLM", "gemma2")}) {
    auto json = decoder_config(architecture, type);
    json["is_causal"] = true;
    EXPECT_NO_THROW(model_spec(config_of(json)));
    json["is_causal"] = false;
    try {
      model_spec(config_of(json));
      FAIL() << "read";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("is_causal is false"), std::string::npos) << e.what();
    }
  }
}

TEST(Registry, RefusesLayersWithKeysOfTheirOwn) {
  auto json = decoder_config("LlamaForCausalLM", "llama");
  json["per_layer_config"] = nlohmann::ordered_json::object();
  EXPECT_NO_THROW(model_spec(config_of(json)));
  json["per_layer_config"] = {{"1", {{"hidden_act", "relu"}}}};
  try {
    model_spec(config_of(json));
    FAIL() << "read";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("per_layer_config gives single layers"), std::string::npos)
        << e.what();
  }
}

TEST(Registry, NamesTheBlocksLinears) {
  const auto modules = block_linear_modules(config_of(known_config()));
  ASSERT_EQ(modules.size(), 14U);
  EXPECT_EQ(modules[0], "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(modules[13], "model.layers.1.mlp.down_proj");
}

}  // namespace
}  // namespace lq
