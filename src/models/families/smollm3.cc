#include "models/families/smollm3.h"

#include "base/error.h"
#include "models/families/config_keys.h"

namespace lq::families {
namespace {

// One entry a layer: whether it turns.
std::vector<bool> turning_layers(const JsonObject& config, std::int64_t layers) {
  const std::vector<std::int64_t> listed = config.integers("no_rope_layers", 0, 1);
  const std::int64_t interval = config.integer_or("no_rope_layer_interval", 4);
  LQ_CHECK(listed.empty() || std::ssize(listed) >= layers, kCorruptFile,
           "{}: no_rope_layers has {} entries for {} layers", config.who(), listed.size(), layers);
  std::vector<bool> turns;
  for (std::int64_t i = 0; i < layers; ++i) {
    turns.push_back(listed.empty() ? (i + 1) % interval != 0 : listed[static_cast<std::size_t>(i)] == 1);
  }
  return turns;
}

ModelSpec read_smollm3(const JsonObject& given) {
  const JsonObject config = with_defaults(given, {{"vocab_size", 128256},
                                                  {"hidden_size", 2048},
                                                  {"intermediate_size", 11008},
                                                  {"num_hidden_layers", 36},
                                                  {"num_attention_heads", 16},
                                                  {"num_key_value_heads", 4},
                                                  {"sliding_window", nullptr},
                                                  {"bos_token_id", 128000},
                                                  {"eos_token_id", 128001}});
  ModelSpec spec = read_decoder(config, {.max_positions = 32768, .rope_theta = 2e6, .tied = true});
  const bool bias = config.boolean_or("attention_bias", false);
  const bool windows = config.boolean_or("use_sliding_window", false) && config.has("sliding_window");
  const std::int64_t window = windows ? config.integer("sliding_window") : 0;
  const std::vector<bool> turns = turning_layers(config, spec.layers());
  const std::vector<bool> sliding = sliding_layers(config, spec.layers(), [&](std::int64_t layer) {
    return windows && !turns[static_cast<std::size_t>(layer)];
  });
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    BlockSpec& b = spec.blocks[i];
    // Some kinds of attention in transformers follow the one key, some the other.
    LQ_CHECK(!sliding[i] || windows, kUnsupported,
             "{}: layer_types makes layer {} one with a window, but use_sliding_window is {} and "
             "sliding_window {}",
             config.who(), i, config.boolean_or("use_sliding_window", false),
             config.has("sliding_window") ? config.integer("sliding_window") : 0);
    b.attention.qkv_bias = b.attention.output_bias = bias;
    b.mlp.bias = config.boolean_or("mlp_bias", false);
    if (!turns[i]) b.attention.rope = RopeUse::kNone;
    if (sliding[i]) b.attention.window = window;
  }
  // max_window_layers is Qwen's; this family's class does not read it.
  refuse_unknown_keys(config, {"max_window_layers"});
  return spec;
}

}  // namespace

std::vector<ModelFamily> smollm3() {
  return {{{"SmolLM3ForCausalLM", "SmolLM3Model"}, "smollm3", decoder_names(), read_smollm3}};
}

}  // namespace lq::families
