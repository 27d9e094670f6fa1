#include "models/registry.h"

#include <gtest/gtest.h>

#include "base/error.h"

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
          {"num_key_value_heads", 2},
          {"max_position_embeddings", 128}};
}

JsonObject config(const nlohmann::ordered_json& json) { return {json, "[config] DIR/config.json"}; }

TEST(Registry, RefusesUnknownArchitecturesByName) {
  auto json = base();
  json["architectures"] = {"GPT2LMHeadModel"};
  EXPECT_EQ(find_model_family(config(json)), nullptr);
  try {
    model_spec(config(json));
    FAIL() << "read";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    for (const char* part :
         {"DIR/config.json", "GPT2LMHeadModel", "MistralForCausalLM", "Qwen3ForCausalLM"}) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  }
}

TEST(Registry, FindsAFamilyByArchitectureElseByType) {
  auto json = base();
  EXPECT_EQ(find_model_family(config(json))->model_type, "llama");
  json["architectures"] = {"SomethingNew", "Qwen3ForCausalLM"};
  EXPECT_EQ(find_model_family(config(json))->model_type, "qwen3");
  json["architectures"] = {"MistralModel"};  // saved without its head
  EXPECT_EQ(find_model_family(config(json))->model_type, "mistral");
  json.erase("architectures");
  EXPECT_EQ(find_model_family(config(json))->model_type, "llama");
  json.erase("model_type");
  EXPECT_EQ(find_model_family(config(json)), nullptr);
}

TEST(Registry, NamesTheBlocksLinears) {
  const auto modules = block_linear_modules(config(base()));
  ASSERT_EQ(modules.size(), 14U);
  EXPECT_EQ(modules[0], "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(modules[13], "model.layers.1.mlp.down_proj");
}

}  // namespace
}  // namespace lq
