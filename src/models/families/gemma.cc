#include "models/families/gemma.h"

#include <cmath>
#include <optional>

#include "base/error.h"
#include "models/families/config_keys.h"

namespace lq::families {
namespace {

constexpr Defaults kGemmaDefaults = {
    .head_dim = 256, .tied = true, .activation_key = "hidden_activation", .activation = "gelu_pytorch_tanh"};

// What both have: norms of 1 + w around every branch, a scale of the embedding and one of the queries, caps.
ModelSpec read_gemma(const JsonObject& config, const Defaults& defaults, const std::vector<bool>& sliding) {
  ModelSpec spec = read_decoder(config, defaults);
  const bool bias = config.boolean_or("attention_bias", false);
  const bool both_ways = config.boolean_or("use_bidirectional_attention", false);
  LQ_CHECK(!both_ways, kUnsupported, "{}: use_bidirectional_attention is true, which is not computed",
           config.who());
  const double scale = 1.0 / std::sqrt(config.number("query_pre_attn_scalar", 1e-6, 1e9));
  const double cap = config.number_or("attn_logit_softcapping", 0.0, 1e-3, 1e6);
  const std::int64_t window = config.has("sliding_window") ? config.integer("sliding_window") : 0;
  spec.embedding_multiplier = std::sqrt(static_cast<float>(spec.hidden));
  spec.logits_soft_cap = static_cast<float>(config.number_or("final_logit_softcapping", 0.0, 1e-3, 1e6));
  spec.final_norm.kind = NormKind::kRmsOnePlus;
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    BlockSpec& b = spec.blocks[i];
    b.norm.kind = NormKind::kRmsOnePlus;
    b.place = NormPlace::kSandwich;
    b.attention.qkv_bias = b.attention.output_bias = bias;
    b.attention.scale = static_cast<float>(scale);
    b.attention.soft_cap = static_cast<float>(cap);
    if (sliding[i]) b.attention.window = window;
  }
  return spec;
}

std::int64_t layers_of(const JsonObject& config) { return config.integer("num_hidden_layers", 1, 10000); }

ModelSpec read_gemma2(const JsonObject& given) {
  const JsonObject config = with_defaults(given, {{"vocab_size", 256000},
                                                  {"hidden_size", 2304},
                                                  {"intermediate_size", 9216},
                                                  {"num_hidden_layers", 26},
                                                  {"num_attention_heads", 8},
                                                  {"num_key_value_heads", 4},
                                                  {"query_pre_attn_scalar", 256},
                                                  {"sliding_window", 4096},
                                                  {"final_logit_softcapping", 30.0},
                                                  {"attn_logit_softcapping", 50.0},
                                                  {"eos_token_id", 1}});
  Defaults defaults = kGemmaDefaults;
  defaults.max_positions = 8192;
  ModelSpec spec = read_gemma(
      config, defaults,
      sliding_layers(config, layers_of(config), [](std::int64_t layer) { return layer % 2 == 0; }));
  refuse_unknown_keys(config, {"hidden_act"});
  return spec;
}

// Layers with a window turn by angles of their own.
void read_ropes(const JsonObject& config, const std::vector<bool>& sliding, ModelSpec& spec) {
  const double global = config.number_or("rope_theta", 1e6, 1.0, 1e12);
  const double local = config.number_or("rope_local_base_freq", 1e4, 1.0, 1e12);
  std::optional<JsonObject> scaling = config.section_if("rope_scaling");
  // By its old name transformers 4 takes the kind of rotation from there, transformers 5 passes over it.
  LQ_CHECK(!scaling || scaling->has("rope_type") || scaling->text_or("type", "default") == "default",
           kUnsupported,
           "{}: rope_scaling has a type, which transformers 4 and 5 read differently for Gemma 3: call it "
           "rope_type",
           config.who());
  std::optional<JsonObject> near;
  if (const auto both = config.section_if("rope_parameters")) {
    // `rope_scaling` of before transformers 5 is put over what stands here.
    if (auto far = both->section_if("full_attention")) {
      if (scaling) far->json().update(scaling->json());
      scaling = std::move(far);
    }
    near = both->section_if("sliding_attention");
  }
  spec.rope = read_rope_section(config, scaling ? &*scaling : nullptr, spec.max_positions, global);
  spec.local_rope = read_rope_section(config, near ? &*near : nullptr, spec.max_positions, local);
  for (const RopeConfig* rope : {&spec.rope, &spec.local_rope}) {
    const bool known = rope->type == RopeType::kDefault || rope->type == RopeType::kLinear;
    LQ_CHECK(known && rope->share == 1.0, kUnsupported,
             "{}: rotation of Gemma 3 is computed whole, of type default or linear only", config.who());
  }
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    spec.blocks[i].attention.rope = sliding[i] ? RopeUse::kLocal : RopeUse::kGlobal;
  }
}

ModelSpec read_gemma3(const JsonObject& given) {
  const JsonObject config = with_defaults(given, {{"vocab_size", 262208},
                                                  {"hidden_size", 2304},
                                                  {"intermediate_size", 9216},
                                                  {"num_hidden_layers", 26},
                                                  {"num_attention_heads", 8},
                                                  {"num_key_value_heads", 4},
                                                  {"query_pre_attn_scalar", 256},
                                                  {"sliding_window", 4096},
                                                  {"eos_token_id", 1}});
  const std::int64_t pattern =
      config.integer_or("sliding_window_pattern", config.integer_or("_sliding_window_pattern", 6));
  const std::vector<bool> sliding = sliding_layers(
      config, layers_of(config), [pattern](std::int64_t layer) { return (layer + 1) % pattern != 0; });
  Defaults defaults = kGemmaDefaults;
  defaults.max_positions = 131072;
  defaults.one_rope = false;
  ModelSpec spec = read_gemma(config, defaults, sliding);
  // The class reads it and does not apply it: which of both was meant is not ours to say.
  LQ_CHECK(!config.has("attn_logit_softcapping"), kUnsupported,
           "{}: attn_logit_softcapping is not computed for Gemma 3", config.who());
  for (BlockSpec& b : spec.blocks) b.attention.qk_norm = QkNorm::kPerHead;
  read_ropes(config, sliding, spec);
  refuse_unknown_keys(config, {"hidden_act"});
  return spec;
}

TensorNames gemma_names() {
  TensorNames n = decoder_names();
  n.modules[Role::kAttentionNormAfter] = "post_attention_layernorm";
  n.modules[Role::kMlpNorm] = "pre_feedforward_layernorm";
  n.modules[Role::kMlpNormAfter] = "post_feedforward_layernorm";
  return n;
}

TensorNames gemma3_names() {
  TensorNames n = gemma_names();
  n.modules[Role::kQNorm] = "self_attn.q_norm";
  n.modules[Role::kKNorm] = "self_attn.k_norm";
  return n;
}

}  // namespace

std::vector<ModelFamily> gemma() {
  return {{{"Gemma2ForCausalLM", "Gemma2Model"}, "gemma2", gemma_names(), read_gemma2},
          {{"Gemma3ForCausalLM", "Gemma3TextModel"}, "gemma3_text", gemma3_names(), read_gemma3}};
}

}  // namespace lq::families
