#include "models/families/moe.h"

#include <algorithm>

#include "base/error.h"
#include "models/families/config_keys.h"

namespace lq::families {
namespace {

// Throws Error(kUnsupported) where each token would use more experts than there are.
void set_experts(const JsonObject& config, std::int64_t experts, bool normalized, MlpSpec& mlp) {
  mlp.experts = experts;
  mlp.experts_used = config.integer("num_experts_per_tok", 1, 1 << 16);
  mlp.normalized_routing = normalized;
  LQ_CHECK(mlp.experts_used <= experts, kUnsupported,
           "{}: num_experts_per_tok is {}, but there are {} experts", config.who(), mlp.experts_used,
           experts);
}

ModelSpec read_mixtral(const JsonObject& given) {
  const JsonObject config = with_defaults(given, {{"num_key_value_heads", 8},
                                                  {"sliding_window", nullptr},
                                                  {"num_experts_per_tok", 2},
                                                  {"num_local_experts", given.integer_or("num_experts", 8)},
                                                  {"bos_token_id", 1},
                                                  {"eos_token_id", 2}});
  ModelSpec spec = read_decoder(config, {.max_positions = 4096 * 32, .rope_theta = 1e6, .norm_eps = 1e-5});
  const std::int64_t window = config.has("sliding_window") ? config.integer("sliding_window") : 0;
  const std::int64_t experts = config.integer("num_local_experts", 1, 1 << 16);
  for (BlockSpec& b : spec.blocks) {
    b.attention.window = window;
    set_experts(config, experts, true, b.mlp);
  }
  // The first two are of training from scratch only; the last is another name of num_local_experts.
  refuse_unknown_keys(config, {"router_aux_loss_coef", "router_jitter_noise", "num_experts"});
  return spec;
}

ModelSpec read_qwen3_moe(const JsonObject& given) {
  const JsonObject config =
      with_defaults(given, {{"num_key_value_heads", 4},
                            {"moe_intermediate_size", 768},
                            {"num_experts_per_tok", 8},
                            {"num_experts", given.json().value("num_local_experts", 128)},
                            {"decoder_sparse_step", 1}});
  ModelSpec spec = read_decoder(config, {.max_positions = 32768});
  const bool bias = config.boolean_or("attention_bias", false);
  const bool windows = config.boolean_or("use_sliding_window", false);
  const bool none = !windows || (config.json().contains("sliding_window") && !config.has("sliding_window"));
  const std::int64_t window = none ? 0 : config.integer_or("sliding_window", 4096);
  const std::vector<std::int64_t> dense = config.integers("mlp_only_layers", 0, 1 << 20);
  const std::int64_t step = config.integer("decoder_sparse_step");
  const std::int64_t experts = config.integer("num_experts", 0, 1 << 16);
  const std::int64_t inner = config.integer("moe_intermediate_size", 1, std::int64_t{1} << 24);
  const bool normalized = config.boolean_or("norm_topk_prob", false);
  for (std::int64_t i = 0; i < spec.layers(); ++i) {
    BlockSpec& b = spec.blocks[static_cast<std::size_t>(i)];
    b.attention.qk_norm = QkNorm::kPerHead;
    b.attention.qkv_bias = b.attention.output_bias = bias;
    b.attention.window = window;
    if (std::ranges::find(dense, i) != dense.end() || experts == 0 || (i + 1) % step != 0) continue;
    b.mlp.inner = inner;
    set_experts(config, experts, normalized, b.mlp);
  }
  // num_experts_per_tok is not read where no layer has experts, sliding_window where none has a window.
  refuse_unknown_keys(config, {"router_aux_loss_coef", "num_local_experts", "max_window_layers",
                               "num_experts_per_tok", "sliding_window"});
  return spec;
}

TensorNames mixtral_names() {
  TensorNames n = decoder_names();
  n.modules[Role::kRouter] = "block_sparse_moe.gate";
  n.modules[Role::kExpertGate] = "block_sparse_moe.experts.{}.w1";
  n.modules[Role::kExpertUp] = "block_sparse_moe.experts.{}.w3";
  n.modules[Role::kExpertDown] = "block_sparse_moe.experts.{}.w2";
  return n;
}

TensorNames qwen3_moe_names() {
  TensorNames n = decoder_names();
  n.modules[Role::kQNorm] = "self_attn.q_norm";
  n.modules[Role::kKNorm] = "self_attn.k_norm";
  n.modules[Role::kRouter] = "mlp.gate";
  n.modules[Role::kExpertGate] = "mlp.experts.{}.gate_proj";
  n.modules[Role::kExpertUp] = "mlp.experts.{}.up_proj";
  n.modules[Role::kExpertDown] = "mlp.experts.{}.down_proj";
  return n;
}

}  // namespace

std::vector<ModelFamily> moe() {
  return {{{"MixtralForCausalLM", "MixtralModel"}, "mixtral", mixtral_names(), read_mixtral},
          {{"Qwen3MoeForCausalLM", "Qwen3MoeModel"}, "qwen3_moe", qwen3_moe_names(), read_qwen3_moe}};
}

}  // namespace lq::families
