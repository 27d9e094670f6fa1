#include "models/families/gpt_oss.h"

#include "base/error.h"
#include "models/families/config_keys.h"

namespace lq::families {
namespace {

// Without rope_scaling or rope_parameters the class stretches its rotation all the same.
nlohmann::ordered_json usual_gpt_oss_rope() {
  return {{"rope_type", "yarn"}, {"factor", 32.0},    {"beta_fast", 32.0},
          {"beta_slow", 1.0},    {"truncate", false}, {"original_max_position_embeddings", 4096}};
}

JsonObject with_gpt_oss_defaults(const JsonObject& given) {
  nlohmann::ordered_json usual = {{"vocab_size", 201088},
                                  {"hidden_size", 2880},
                                  {"intermediate_size", 2880},
                                  {"num_hidden_layers", 36},
                                  {"num_attention_heads", 64},
                                  {"num_key_value_heads", 8},
                                  {"num_local_experts", given.integer_or("num_experts", 128)},
                                  {"num_experts_per_tok", 4},
                                  {"sliding_window", 128}};
  const auto scaling = given.section_if("rope_scaling");
  if ((!scaling || scaling->json().empty()) && !given.section_if("rope_parameters"))
    usual["rope_parameters"] = usual_gpt_oss_rope();
  nlohmann::ordered_json said = given.json();
  if (!given.has("rope_parameters")) said.erase("rope_parameters");  // null is what the class fills in
  return with_defaults({std::move(said), given.who()}, usual);
}

void set_gpt_oss_windows(const JsonObject& config, ModelSpec& spec) {
  const std::vector<bool> sliding =
      sliding_layers(config, spec.layers(), [](std::int64_t layer) { return layer % 2 == 0; });
  const std::int64_t window = config.has("sliding_window") ? config.integer("sliding_window") : 0;
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    LQ_CHECK(!sliding[i] || window > 0, kUnsupported,
             "{}: sliding_window is null, but layer_types makes layer {} one with a window", config.who(), i);
    if (sliding[i]) spec.blocks[i].attention.window = window;
  }
}

// What its experts compute is in the class, not under hidden_act, which only has to agree with it.
GateClamp read_gate(const JsonObject& config, Activation named) {
  LQ_CHECK(named == Activation::kSilu, kUnsupported,
           "{}: hidden_act is \"{}\", but gpt-oss's experts are computed with silu only", config.who(),
           config.text_or("hidden_act", ""));
  return {.alpha = static_cast<float>(config.number_or("swiglu_alpha", 1.702, 1e-3, 1e3)),
          .limit = static_cast<float>(config.number_or("swiglu_limit", 7.0, 1e-3, 1e6))};
}

ModelSpec read_gpt_oss(const JsonObject& given) {
  const JsonObject config = with_gpt_oss_defaults(given);
  ModelSpec spec = read_decoder(
      config, {.head_dim = 64, .max_positions = 131072, .rope_theta = 150000.0, .norm_eps = 1e-5});
  const bool bias = config.boolean_or("attention_bias", true);
  const std::int64_t experts = config.integer("num_local_experts", 1, 1 << 16);
  const std::int64_t used = config.integer("num_experts_per_tok", 1, 1 << 16);
  LQ_CHECK(used <= experts, kUnsupported, "{}: num_experts_per_tok is {}, but there are {} experts",
           config.who(), used, experts);
  const GateClamp clamp = read_gate(config, spec.blocks.front().mlp.activation);
  for (BlockSpec& b : spec.blocks) {
    b.attention.qkv_bias = b.attention.output_bias = bias;
    b.attention.sinks = true;
    b.mlp.clamp = clamp;
    b.mlp.bias = b.mlp.router_bias = true;
    b.mlp.experts = experts;
    b.mlp.experts_used = used;
    b.mlp.normalized_routing = true;
  }
  set_gpt_oss_windows(config, spec);
  // The first is of training from scratch only; the others repeat what the class's own keys say.
  refuse_unknown_keys(config,
                      {"router_aux_loss_coef", "num_experts", "experts_per_token", "initial_context_length"});
  return spec;
}

TensorNames gpt_oss_names() {
  TensorNames n = decoder_names();
  n.modules[Role::kSinks] = "self_attn.sinks";
  n.modules[Role::kRouter] = "mlp.router";
  n.modules[Role::kExpertGate] = "mlp.experts.{}.gate_proj";
  n.modules[Role::kExpertUp] = "mlp.experts.{}.up_proj";
  n.modules[Role::kExpertDown] = "mlp.experts.{}.down_proj";
  return n;
}

}  // namespace

std::vector<ModelFamily> gpt_oss() {
  return {{{"GptOssForCausalLM", "GptOssModel"}, "gpt_oss", gpt_oss_names(), read_gpt_oss}};
}

}  // namespace lq::families
