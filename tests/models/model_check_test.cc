#include "models/model_check.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "models/decoder_config.h"

namespace lq {
namespace {

struct CheckCase {
  CheckCase() {
    for (const ModelTensor& t : model_tensors(spec, names())) tensors.push_back({t.name, t.shape});
  }
  const TensorNames& names() const { return model_family(config).names; }
  NamedShape& tensor(const std::string& name) {
    for (NamedShape& t : tensors) {
      if (t.name == name) return t;
    }
    ADD_FAILURE() << name;
    return tensors.front();
  }
  // The error and its code; kInternal where there is none.
  std::pair<ErrorCode, std::string> check() const {
    try {
      check_model_config(spec, names(), tensors, "MODEL");
    } catch (const Error& e) {
      return {e.code(), e.what()};
    }
    return {ErrorCode::kInternal, "no error"};
  }

  JsonObject config = config_of(decoder_config("LlamaForCausalLM", "llama"));
  ModelSpec spec = model_spec(config);
  std::vector<NamedShape> tensors;
};

void expect_refusal(const std::pair<ErrorCode, std::string>& error, ErrorCode code,
                    const std::vector<std::string>& parts) {
  EXPECT_EQ(error.first, code) << error.second;
  for (const auto& part : parts) EXPECT_NE(error.second.find(part), std::string::npos) << error.second;
}

TEST(ModelCheck, AcceptsWhatTheConfigMakes) {
  CheckCase c;
  EXPECT_EQ(c.check().second, "no error");
  c.tensors.push_back(
      {"model.layers.7.mlp.up_proj.weight", {44, 32}});  // beyond the last layer: not the model's
  c.tensors.push_back({"model.rotary.inv_freq", {4}});
  EXPECT_EQ(c.check().second, "no error");
}

TEST(ModelCheck, NamesTheTensorAndBothShapes) {
  CheckCase c;
  c.tensor("model.layers.1.self_attn.k_proj.weight").shape = {32, 32};
  expect_refusal(c.check(), ErrorCode::kMismatch,
                 {"MODEL", "model.layers.1.self_attn.k_proj.weight", "[32, 32]", "[16, 32]"});
}

TEST(ModelCheck, NamesAMissingTensor) {
  CheckCase c;
  std::erase_if(c.tensors,
                [](const NamedShape& t) { return t.name == "model.layers.0.mlp.gate_proj.weight"; });
  expect_refusal(c.check(), ErrorCode::kNotFound,
                 {"MODEL", "model.layers.0.mlp.gate_proj.weight", "[44, 32]"});
}

TEST(ModelCheck, CountsLayers) {
  CheckCase c;
  c.spec.blocks.resize(101, c.spec.blocks[0]);
  expect_refusal(c.check(), ErrorCode::kMismatch, {"MODEL", "2 layers", "num_hidden_layers 101"});
}

// Every value that a spec can have and no code computes.
TEST(ModelCheck, RefusesByNameWhatIsNotComputed) {
  const std::vector<std::pair<std::string, std::function<void(ModelSpec&)>>> cases = {
      {"mlp.clamp", [](ModelSpec& s) { s.blocks[1].mlp.gated = false, s.blocks[1].mlp.clamp = GateClamp(); }},
      {"attention.causal is false", [](ModelSpec& s) { s.blocks[1].attention.causal = false; }},
      {"attention.head_dim is 16", [](ModelSpec& s) { s.blocks[1].attention.head_dim = 16; }},
      {"attention.kv_heads is 1", [](ModelSpec& s) { s.blocks[1].attention.kv_heads = 1; }},
      {"mlp.fused_gate_up",
       [](ModelSpec& s) { s.blocks[1].mlp.gated = false, s.blocks[1].mlp.fused_gate_up = true; }},
      {"attention.window is 4",
       [](ModelSpec& s) {
         for (BlockSpec& b : s.blocks) b.attention.causal = false;
         s.blocks[1].attention.window = 4;
       }},
      {"mlp.experts is 8",
       [](ModelSpec& s) { s.blocks[1].mlp.experts = 8, s.blocks[1].mlp.fused_gate_up = true; }},
      {"mlp.experts_used is 9",
       [](ModelSpec& s) { s.blocks[1].mlp.experts = 8, s.blocks[1].mlp.experts_used = 9; }},
      {"layers is 0", [](ModelSpec& s) { s.blocks.clear(); }},
  };
  for (const auto& [says, change] : cases) {
    ModelSpec spec = CheckCase().spec;
    refuse_uncomputed(spec, "CONFIG");
    change(spec);
    try {
      refuse_uncomputed(spec, "CONFIG");
      ADD_FAILURE() << says << ": accepted";
    } catch (const Error& e) {
      const bool in_layer = says.find("layers") == 0;
      expect_refusal({e.code(), e.what()}, ErrorCode::kUnsupported,
                     {"CONFIG: ", says, in_layer ? "does not compute" : "in layer 1"});
    }
  }
}

TEST(ModelCheck, FindsWhatTheConfigDoesNotUse) {
  CheckCase c;
  EXPECT_TRUE(unused_block_tensors(c.spec, c.names(), c.tensors).empty());
  for (const char* name :
       {"model.layers.1.self_attn.q_proj.bias", "model.layers.0.self_attn.rotary_emb.inv_freq",
        "model.layers.2.mlp.up_proj.weight", "vision.layers.0.x", "lm_head.bias"}) {
    c.tensors.push_back({name, {8}});
  }
  EXPECT_EQ(unused_block_tensors(c.spec, c.names(), c.tensors),
            std::vector<std::string>{"model.layers.1.self_attn.q_proj.bias"});
}

}  // namespace
}  // namespace lq
