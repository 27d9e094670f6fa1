#include "models/families/phi3.h"

#include "models/families/config_keys.h"

namespace lq::families {
namespace {

// "su" and "yarn" were names of longrope when Phi-3 came out.
void rename_rope(nlohmann::ordered_json& config) {
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (!config.contains(key) || !config[key].is_object()) continue;
    for (const char* type : {"type", "rope_type"}) {
      auto& section = config[key];
      if (section.contains(type) && (section[type] == "su" || section[type] == "yarn"))
        section[type] = "longrope";
    }
  }
}

ModelSpec read_phi3(const JsonObject& given) {
  JsonObject config = with_defaults(given, {{"vocab_size", 32064},
                                            {"hidden_size", 3072},
                                            {"intermediate_size", 8192},
                                            {"num_hidden_layers", 32},
                                            {"num_attention_heads", 32},
                                            {"original_max_position_embeddings", 4096},
                                            {"sliding_window", nullptr},
                                            {"bos_token_id", 1},
                                            {"eos_token_id", 32000}});
  rename_rope(config.json());
  ModelSpec spec = read_decoder(config, {.max_positions = 4096, .norm_eps = 1e-5, .partial_rotary = true});
  const std::int64_t window = config.has("sliding_window") ? config.integer("sliding_window") : 0;
  for (BlockSpec& b : spec.blocks) {
    b.attention.fused_qkv = true;
    b.attention.window = window;
    b.mlp.fused_gate_up = true;
  }
  refuse_unknown_keys(config, {"embd_layer", "attention_bias", "lm_head_bias", "mlp_bias",
                               "interpolate_factor", "full_attn_mod"});
  return spec;
}

TensorNames phi3_names() {
  TensorNames n = decoder_names();
  n.modules[Role::kQkv] = "self_attn.qkv_proj";
  n.modules[Role::kGateUp] = "mlp.gate_up_proj";
  return n;
}

}  // namespace

std::vector<ModelFamily> phi3() {
  return {{{"Phi3ForCausalLM", "Phi3Model"}, "phi3", phi3_names(), read_phi3}};
}

}  // namespace lq::families
