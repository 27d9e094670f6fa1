#include "models/families/granite.h"

#include "models/families/config_keys.h"

namespace lq::families {
namespace {

ModelSpec read_granite(const JsonObject& given) {
  const JsonObject config = with_defaults(given, {{"vocab_size", 32000},
                                                  {"hidden_size", 4096},
                                                  {"intermediate_size", 11008},
                                                  {"num_hidden_layers", 32},
                                                  {"num_attention_heads", 32},
                                                  {"bos_token_id", 1},
                                                  {"eos_token_id", 2}});
  ModelSpec spec = read_decoder(config);
  const bool bias = config.boolean_or("attention_bias", false);
  const auto factor = [&](const char* key) {
    return static_cast<float>(config.number_or(key, 1.0, 1e-6, 1e6));
  };
  spec.embedding_multiplier = factor("embedding_multiplier");
  spec.logits_multiplier = 1.0F / factor("logits_scaling");
  for (BlockSpec& b : spec.blocks) {
    b.attention.qkv_bias = b.attention.output_bias = bias;
    b.mlp.bias = config.boolean_or("mlp_bias", false);
    b.attention.scale = factor("attention_multiplier");
    b.residual_multiplier = factor("residual_multiplier");
  }
  refuse_unknown_keys(config);
  return spec;
}

}  // namespace

std::vector<ModelFamily> granite() {
  return {{{"GraniteForCausalLM", "GraniteModel"}, "granite", decoder_names(), read_granite}};
}

}  // namespace lq::families
