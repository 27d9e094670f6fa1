#include "models/families/olmo2.h"

#include "models/families/config_keys.h"

namespace lq::families {
namespace {

ModelSpec read_olmo2(const JsonObject& given) {
  const JsonObject config = with_defaults(given, {{"vocab_size", 50304},
                                                  {"hidden_size", 4096},
                                                  {"intermediate_size", 11008},
                                                  {"num_hidden_layers", 32},
                                                  {"num_attention_heads", 32},
                                                  {"eos_token_id", 50279}});
  ModelSpec spec = read_decoder(config, {.max_positions = 2048, .norm_eps = 1e-5});
  const bool bias = config.boolean_or("attention_bias", false);
  for (BlockSpec& b : spec.blocks) {
    b.place = NormPlace::kBranch;
    b.attention.qk_norm = QkNorm::kWholeWidth;
    b.attention.qkv_bias = b.attention.output_bias = bias;
  }
  refuse_unknown_keys(config);
  return spec;
}

TensorNames olmo2_names() {
  TensorNames n = decoder_names();
  n.modules[Role::kQNorm] = "self_attn.q_norm";
  n.modules[Role::kKNorm] = "self_attn.k_norm";
  n.modules[Role::kAttentionNormAfter] = "post_attention_layernorm";
  n.modules[Role::kMlpNormAfter] = "post_feedforward_layernorm";
  return n;
}

}  // namespace

std::vector<ModelFamily> olmo2() {
  return {{{"Olmo2ForCausalLM", "Olmo2Model"}, "olmo2", olmo2_names(), read_olmo2}};
}

}  // namespace lq::families
