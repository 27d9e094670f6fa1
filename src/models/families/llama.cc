#include "models/families/llama.h"

#include "models/families/config_keys.h"

namespace lq::families {
namespace {

ModelSpec read_llama(const JsonObject& config) {
  ModelSpec spec = read_decoder(config);
  const bool bias = config.boolean_or("attention_bias", false);
  for (BlockSpec& b : spec.blocks) {
    b.attention.qkv_bias = bias;
    b.attention.output_bias = bias;
    b.mlp.bias = config.boolean_or("mlp_bias", false);
  }
  return spec;
}

ModelSpec read_mistral(const JsonObject& config) {
  ModelSpec spec = read_decoder(config, {.max_positions = 4096 * 32});
  set_windows(config, 0, spec);
  return spec;
}

ModelSpec read_qwen2(const JsonObject& config) {
  ModelSpec spec = read_decoder(config, {.max_positions = 32768});
  for (BlockSpec& b : spec.blocks) b.attention.qkv_bias = true;
  set_windows_if_used(config, spec);
  return spec;
}

}  // namespace

std::vector<ModelFamily> llama() {
  return {{{"LlamaForCausalLM", "LlamaModel"}, "llama", decoder_names(), read_llama},
          {{"MistralForCausalLM", "MistralModel"}, "mistral", decoder_names(), read_mistral},
          {{"Qwen2ForCausalLM", "Qwen2Model"}, "qwen2", decoder_names(), read_qwen2}};
}

}  // namespace lq::families
