#include "models/families/qwen3.h"

#include "models/families/config_keys.h"

namespace lq::families {
namespace {

ModelSpec read_qwen3(const JsonObject& config) {
  ModelSpec spec = read_decoder(config, {.head_dim = 128, .max_positions = 32768});
  const bool bias = config.boolean_or("attention_bias", false);
  for (BlockSpec& b : spec.blocks) {
    b.attention.qk_norm = QkNorm::kPerHead;
    b.attention.qkv_bias = bias;
    b.attention.output_bias = bias;
  }
  set_windows_if_used(config, spec);
  return spec;
}

TensorNames names() {
  TensorNames n = decoder_names();
  n.modules[Role::kQNorm] = "self_attn.q_norm";
  n.modules[Role::kKNorm] = "self_attn.k_norm";
  return n;
}

}  // namespace

std::vector<ModelFamily> qwen3() {
  return {{{"Qwen3ForCausalLM", "Qwen3Model"}, "qwen3", names(), read_qwen3}};
}

}  // namespace lq::families
