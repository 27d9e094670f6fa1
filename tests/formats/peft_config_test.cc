#include "formats/peft_config.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

PeftConfig peft_config(const std::string& more) {
  return PeftConfig::parse(R"({"peft_type": "LORA", "r": 8, "lora_alpha": 16)" + more + "}", "[config] a");
}

TEST(PeftConfig, ReadsWhatPeftWrites) {
  const PeftConfig c = peft_config(
      R"(, "lora_dropout": 0.1, "target_modules": ["v_proj", "q_proj"], "task_type": "SEQ_CLS", "bias": "none",
         "base_model_name_or_path": "gpt2", "fan_in_fan_out": true, "modules_to_save": ["score"], "use_dora": false,
         "layer_replication": null, "loftq_config": {}, "init_lora_weights": true, "revision": "main",
         "rank_pattern": {}, "alpha_pattern": {}, "use_rslora": false, "lora_bias": false, "target_parameters": null)");
  EXPECT_EQ(c.r, 8);
  EXPECT_EQ(c.alpha, 16.0);
  EXPECT_EQ(c.dropout, 0.1);
  EXPECT_EQ(c.target_modules, (std::vector<std::string>{"q_proj", "v_proj"}));
  EXPECT_TRUE(c.fan_in_fan_out);
  EXPECT_EQ(c.modules_to_save, std::vector<std::string>{"score"});
  EXPECT_EQ(c.base_model, "gpt2");
  EXPECT_EQ(c.task_type, "SEQ_CLS");
  EXPECT_EQ(c.other["revision"], "main");
  EXPECT_FALSE(c.other.contains("r"));
  EXPECT_EQ(c.scaling_of("any"), 2.0);
}

TEST(PeftConfig, PatternsGiveRankAlphaAndScaling) {
  const PeftConfig c = peft_config(
      R"(, "rank_pattern": {"model.layers.1.q_proj": 32, "q_proj": 4, "layers\\.[23]\\.v_proj": 2},
         "alpha_pattern": {"^model.layers.0.q_proj": 5, "v_proj": 7.5})");
  EXPECT_EQ(c.rank_of("model.layers.1.q_proj"), 32);  // the first that matches counts
  EXPECT_EQ(c.rank_of("model.layers.0.q_proj"), 4);
  EXPECT_EQ(c.rank_of("q_proj"), 4);
  EXPECT_EQ(c.rank_of("model.xq_proj"), 8);
  EXPECT_EQ(c.rank_of("model.q_proj.x"), 8);
  EXPECT_EQ(c.rank_of("model.layers.2.v_proj"), 2);
  EXPECT_EQ(c.rank_of("model.layers.4.v_proj"), 8);
  EXPECT_EQ(c.alpha_of("model.layers.0.q_proj"), 5.0);
  EXPECT_EQ(c.alpha_of("x.model.layers.0.q_proj"), 16.0);
  EXPECT_EQ(c.alpha_of("model.layers.2.v_proj"), 7.5);
  EXPECT_EQ(c.scaling_of("model.layers.1.q_proj"), 0.5);
  EXPECT_EQ(peft_config(R"(, "use_rslora": true)").scaling_of("x"), 16.0 / std::sqrt(8.0));
}

TEST(PeftConfig, TargetsAsPeftMatchesThem) {
  const PeftConfig list = peft_config(R"(, "target_modules": ["q_proj", "mlp.up"])");
  EXPECT_TRUE(list.targets("model.layers.0.q_proj"));
  EXPECT_TRUE(list.targets("q_proj"));
  EXPECT_TRUE(list.targets("x.mlp.up"));
  EXPECT_FALSE(list.targets("up"));
  EXPECT_FALSE(list.targets("model.xq_proj"));
  EXPECT_FALSE(list.targets("model.q_proj.x"));
  const PeftConfig regex = peft_config(R"(, "target_modules": ".*\\.(q|v)_proj")");
  EXPECT_TRUE(regex.targets("a.v_proj"));
  EXPECT_FALSE(regex.targets("a.v_proj.x"));
  EXPECT_TRUE(peft_config(R"(, "target_modules": "all-linear")").targets("any"));
  EXPECT_FALSE(peft_config("").targets("any"));
  const PeftConfig without = peft_config(R"(, "target_modules": ["q", "v"], "exclude_modules": ["v"])");
  EXPECT_TRUE(without.targets("layers.0.q"));
  EXPECT_FALSE(without.targets("layers.0.v"));
  const PeftConfig but = peft_config(R"(, "target_modules": ["q"], "exclude_modules": ".*\\.1\\..*")");
  EXPECT_TRUE(but.targets("layers.0.q"));
  EXPECT_FALSE(but.targets("layers.1.q"));
  const PeftConfig layers =
      peft_config(R"(, "target_modules": ["q", "model.layers.3.v"], "layers_to_transform": [0, 2])");
  EXPECT_TRUE(layers.targets("model.layers.2.q"));
  EXPECT_FALSE(layers.targets("model.layers.1.q"));
  EXPECT_TRUE(layers.targets("model.layers.3.v")) << "named whole";
  EXPECT_FALSE(layers.targets("layers.0.q")) << "nothing before the list's name, as in PEFT";
  const PeftConfig pattern =
      peft_config(R"(, "target_modules": ["q"], "layers_to_transform": 1, "layers_pattern": ["h"])");
  EXPECT_TRUE(pattern.targets("transformer.h.1.q"));
  EXPECT_FALSE(pattern.targets("model.layers.1.q"));
  expect_error(ErrorCode::kCorruptFile, {"target_modules", "regular expression"},
               [] { (void)peft_config(R"(, "target_modules": "(a")").targets("a"); });
}

TEST(PeftConfig, RefusesWhatItCannotComputeWith) {
  const auto parse = [](const std::string& text) { PeftConfig::parse(text, "[config] a"); };
  expect_error(ErrorCode::kUnsupported, {"[config] a", "'IA3'", "LORA"},
               [&] { parse(R"({"peft_type":"IA3"})"); });
  expect_error(ErrorCode::kNotFound, {"'peft_type'"}, [&] { parse("{}"); });
  for (const char* more : {R"("use_qalora": 1)", R"("layer_replication": [[0,1]])", R"("lora_bias": true)",
                           R"("target_parameters": ["w"])", R"("trainable_token_indices": [1])",
                           R"("use_qalora": true)", R"("alora_invocation_tokens": [5])"}) {
    const std::string key = std::string(more).substr(1, std::string(more).find('"', 1) - 1);
    expect_error(ErrorCode::kUnsupported, {"[config] a", key},
                 [&] { peft_config(", " + std::string(more)); });
  }
  for (const char* init : {"pissa", "pissa_niter_16", "olora", "OLoRA", "corda"}) {
    expect_error(ErrorCode::kUnsupported, {init},
                 [&] { peft_config(fmt::format(R"(, "init_lora_weights": "{}")", init)); });
  }
  EXPECT_NO_THROW(peft_config(R"(, "init_lora_weights": "gaussian")"));
  expect_error(ErrorCode::kUnsupported, {"bias", "'some'"}, [&] { peft_config(R"(, "bias": "some")"); });
}

TEST(PeftConfig, AKeyThatIsSetIsKnownOrRefused) {
  for (const char* more : {R"("lora_gain": 0.5)", R"("lora_gain": true)", R"("lora_gain": {"q_proj": 2})"}) {
    expect_error(ErrorCode::kUnsupported, {"[config] a", "'lora_gain'"},
                 [&] { peft_config(", " + std::string(more)); });
  }
  for (const char* more :
       {R"("lora_gain": null)", R"("lora_gain": false)", R"("lora_gain": {})", R"("peft_version": "0.21.2")",
        R"("layers_to_transform": [0, 1])", R"("megatron_core": "megatron.core")",
        R"("qalora_group_size": 16)", R"("auto_mapping": {"base_model_class": "LlamaForCausalLM"})",
        R"("inference_mode": true)", R"("eva_config": {"rho": 2.0})"}) {
    EXPECT_NO_THROW(peft_config(", " + std::string(more))) << more;
  }
}

TEST(PeftConfig, BiasesMagnitudesAndTyingComeBack) {
  const PeftConfig c = peft_config(
      R"(, "bias": "lora_only", "use_dora": true, "ensure_weight_tying": true, "modules_to_save": ["norm"])");
  EXPECT_EQ(c.bias, "lora_only");
  EXPECT_TRUE(c.use_dora && c.ensure_weight_tying);
  EXPECT_TRUE(c.saves("model.norm") && c.saves("model.layers.0.input_layernorm"));
  EXPECT_FALSE(c.saves("model.norm.x"));
  const PeftConfig back = PeftConfig::parse(c.to_json().dump(), "[config] b");
  EXPECT_EQ(back.to_json(), c.to_json());
}

TEST(PeftConfig, SavedModulesAreNamedAsShortlyAsPeftAllows) {
  const std::vector<std::string> all = {"model.norm", "model.layers.0.input_layernorm",
                                        "model.layers.1.input_layernorm", "lm_head"};
  EXPECT_EQ(minimal_saved({all[1], all[2], "lm_head"}, all),
            (std::vector<std::string>{"input_layernorm", "lm_head"}));
  EXPECT_EQ(minimal_saved({all[0]}, all), std::vector<std::string>{"model.norm"});
  EXPECT_EQ(minimal_saved({all[2]}, all), std::vector<std::string>{all[2]});
  EXPECT_EQ(minimal_saved({"lm_head"}, {}), std::vector<std::string>{"lm_head"});
}

TEST(PeftConfig, RefusesAbsurdValues) {
  const auto parse = [](const char* rest) {
    PeftConfig::parse(std::string(R"({"peft_type": "LORA", )") + rest + "}", "[config] a");
  };
  for (const char* rest :
       {R"("r": 0)", R"("r": -4)", R"("r": 1e18)", R"("r": "8")", R"("lora_alpha": -1)",
        R"("lora_alpha": [])", R"("lora_dropout": 2)", R"("target_modules": [1])", R"("target_modules": {})",
        R"("rank_pattern": [])", R"("rank_pattern": {"q": 0})", R"("alpha_pattern": {"q": "x"})",
        R"("modules_to_save": 3)", R"("fan_in_fan_out": 1)"}) {
    SCOPED_TRACE(rest);
    const std::string key = std::string(rest).substr(1, std::string(rest).find('"', 1) - 1);
    expect_error(ErrorCode::kCorruptFile, {"[config] a", key}, [&] { parse(rest); });
  }
}

TEST(PeftConfig, WritesWhatItReads) {
  const PeftConfig c = peft_config(
      R"(, "target_modules": ["q"], "rank_pattern": {"z": 2, "a": 3}, "alpha_pattern": {"z": 2.5},
         "use_rslora": true, "revision": "main", "task_type": null)");
  const std::string text = c.to_json().dump();
  const PeftConfig d = PeftConfig::parse(text, "[config] b");
  EXPECT_EQ(d.to_json().dump(), text);
  EXPECT_EQ(d.rank_pattern, c.rank_pattern);  // order included
  EXPECT_EQ(d.alpha_pattern, c.alpha_pattern);
  EXPECT_TRUE(d.use_rslora);
  EXPECT_EQ(d.other["revision"], "main");
  EXPECT_TRUE(c.to_json()["lora_alpha"].is_number_integer());
  EXPECT_TRUE(c.to_json()["task_type"].is_null());
}

TEST(PeftConfig, MinimalTargets) {
  const std::vector<std::string> all = {"l.0.q", "l.1.q", "l.0.v", "l.1.v", "head"};
  EXPECT_EQ(minimal_targets({"l.0.q", "l.1.q"}, all), std::vector<std::string>{"q"});
  EXPECT_EQ(minimal_targets({"l.0.q", "l.1.q", "l.0.v"}, all), (std::vector<std::string>{"l.0.v", "q"}));
  EXPECT_EQ(minimal_targets({"l.0.q"}, {}), std::vector<std::string>{"l.0.q"});
  EXPECT_EQ(minimal_targets({"head"}, all), std::vector<std::string>{"head"});
}

}  // namespace
}  // namespace lq
