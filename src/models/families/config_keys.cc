#include "models/families/config_keys.h"

#include <algorithm>

#include "base/error.h"

namespace lq::families {
namespace {

constexpr std::int64_t kMaxWidth = std::int64_t{1} << 20;
constexpr std::int64_t kMaxLayers = 10000;

RopeType rope_type(const JsonObject& section, const std::string& name) {
  if (name == "default") return RopeType::kDefault;
  if (name == "linear") return RopeType::kLinear;
  if (name == "dynamic") return RopeType::kDynamic;
  if (name == "llama3") return RopeType::kLlama3;
  if (name == "yarn") return RopeType::kYarn;
  fail(ErrorCode::kUnsupported,
       "{}: rotary embedding of type \"{}\" is not computed (known: default, linear, dynamic, llama3, yarn)",
       section.who(), name);
}

void refuse_partial(const JsonObject& s) {
  const double share = s.number_or("partial_rotary_factor", 1.0);
  LQ_CHECK(share == 1.0, kUnsupported, "{}: partial_rotary_factor {} is not computed (only 1)", s.who(),
           share);
}

void read_scaling(const JsonObject& config, const JsonObject& s, RopeConfig& rope) {
  rope.type = rope_type(s, s.has("rope_type") ? s.text("rope_type") : s.text_or("type", "default"));
  refuse_partial(s);
  if (rope.type == RopeType::kDefault) return;
  // Beside the section it wins over the one within, as in transformers.
  if (!config.has("original_max_position_embeddings")) {
    rope.original_positions = s.integer_or("original_max_position_embeddings", rope.original_positions);
  }
  if (rope.type == RopeType::kYarn && !s.has("factor")) {
    rope.factor = static_cast<double>(rope.max_positions) / static_cast<double>(rope.original_positions);
  } else {
    rope.factor = s.number("factor", 1e-3, 1e6);
  }
  if (rope.type == RopeType::kLlama3) {
    rope.low_freq_factor = s.number("low_freq_factor", 1e-6, 1e6);
    rope.high_freq_factor = s.number("high_freq_factor", 1e-6, 1e6);
    LQ_CHECK(rope.high_freq_factor > rope.low_freq_factor, kCorruptFile,
             "{}: high_freq_factor {} is not above low_freq_factor {}", s.who(), rope.high_freq_factor,
             rope.low_freq_factor);
  }
  if (rope.type == RopeType::kYarn) {
    rope.beta_fast = s.number_or("beta_fast", 32.0, 1e-3, 1e6);
    rope.beta_slow = s.number_or("beta_slow", 1.0, 1e-3, 1e6);
    rope.truncate = s.boolean_or("truncate", true);
    const double mscale = s.number_or("mscale", 0.0);
    const double all_dim = s.number_or("mscale_all_dim", 0.0);
    const double usual = mscale != 0.0 && all_dim != 0.0 ? yarn_attention_factor(rope.factor, mscale) /
                                                               yarn_attention_factor(rope.factor, all_dim)
                                                         : yarn_attention_factor(rope.factor);
    rope.attention_factor = s.number_or("attention_factor", usual, 1e-3, 1e3);
  }
}

}  // namespace

RopeConfig read_rope(const JsonObject& config, std::int64_t max_positions, double default_theta) {
  RopeConfig rope;
  rope.max_positions = max_positions;
  rope.original_positions = config.integer_or("original_max_position_embeddings", max_positions);
  rope.theta = config.number_or("rope_theta", default_theta, 1.0, 1e12);
  refuse_partial(config);
  const auto scaling = config.section_if("rope_scaling");
  const auto section = scaling && !scaling->json().empty() ? scaling : config.section_if("rope_parameters");
  if (section) {
    rope.theta = section->number_or("rope_theta", rope.theta, 1.0, 1e12);
    read_scaling(config, *section, rope);
  }
  return rope;
}

void set_windows(const JsonObject& config, std::int64_t first, ModelSpec& spec) {
  if (config.json().contains("sliding_window") && !config.has("sliding_window")) return;
  const std::int64_t window = config.integer_or("sliding_window", 4096);
  const std::vector<std::string> kinds = config.texts("layer_types");
  LQ_CHECK(kinds.empty() || std::ssize(kinds) == spec.layers(), kCorruptFile,
           "{}: layer_types has {} entries for {} layers", config.who(), kinds.size(), spec.layers());
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    LQ_CHECK(kinds.empty() || kinds[i] == "full_attention" || kinds[i] == "sliding_attention", kUnsupported,
             "{}: layer_types names \"{}\", which is not computed (known: full_attention, sliding_attention)",
             config.who(), kinds[i]);
    const bool sliding =
        kinds.empty() ? static_cast<std::int64_t>(i) >= first : kinds[i] == "sliding_attention";
    if (sliding) spec.blocks[i].attention.window = window;
  }
}

void set_windows_if_used(const JsonObject& config, ModelSpec& spec) {
  if (!config.boolean_or("use_sliding_window", false)) return;
  set_windows(config, config.integer_or("max_window_layers", 28, 0), spec);
}

ModelSpec read_decoder(const JsonObject& config, const Defaults& defaults) {
  ModelSpec m;
  m.vocab = config.integer("vocab_size", 1, std::int64_t{1} << 28);
  m.hidden = config.integer("hidden_size", 1, kMaxWidth);
  BlockSpec b;
  b.mlp.inner = config.integer("intermediate_size", 1, kMaxWidth * 8);
  const std::int64_t layers = config.integer("num_hidden_layers", 1, kMaxLayers);
  AttentionSpec& a = b.attention;
  a.heads = config.integer("num_attention_heads", 1, kMaxWidth);
  a.kv_heads = config.integer_or("num_key_value_heads", a.heads, 1, kMaxWidth);
  LQ_CHECK(a.heads % a.kv_heads == 0, kCorruptFile,
           "{}: num_attention_heads is {}, which num_key_value_heads, {}, does not divide", config.who(),
           a.heads, a.kv_heads);
  LQ_CHECK(defaults.head_dim > 0 || config.has("head_dim") || m.hidden % a.heads == 0, kCorruptFile,
           "{}: hidden_size is {}, which num_attention_heads, {}, does not divide, and there is no head_dim",
           config.who(), m.hidden, a.heads);
  const std::int64_t usual = defaults.head_dim > 0 ? defaults.head_dim : m.hidden / a.heads;
  a.head_dim = config.integer_or("head_dim", usual, 2, kMaxWidth);
  LQ_CHECK(a.head_dim % 2 == 0, kCorruptFile, "{}: head_dim is {}, but rotary embeddings need an even one",
           config.who(), a.head_dim);
  m.max_positions =
      config.integer_or("max_position_embeddings", defaults.max_positions, 1, std::int64_t{1} << 30);
  b.norm.eps = static_cast<float>(config.number_or("rms_norm_eps", 1e-6, 0.0, 1.0));
  m.final_norm = b.norm;
  m.tied_embeddings = config.boolean_or("tie_word_embeddings", false);
  const std::string act = config.text_or("hidden_act", "silu");
  LQ_CHECK(act == "silu" || act == "swish", kUnsupported, "{}: hidden_act \"{}\" is not computed (only silu)",
           config.who(), act);
  m.rope = read_rope(config, m.max_positions, defaults.rope_theta);
  LQ_CHECK(m.rope.type != RopeType::kDynamic || a.head_dim > 2, kCorruptFile,
           "{}: dynamic rotary scaling needs a head_dim above 2", config.who());
  m.bos = config.integer_or("bos_token_id", -1, -1);
  m.eos = config.integers("eos_token_id", 0, std::int64_t{1} << 40);
  m.blocks.assign(static_cast<std::size_t>(layers), b);
  return m;
}

TensorNames decoder_names() {
  return {.block = "model.layers.",
          .modules = {{Role::kEmbedding, "model.embed_tokens"},
                      {Role::kFinalNorm, "model.norm"},
                      {Role::kHead, "lm_head"},
                      {Role::kAttentionNorm, "input_layernorm"},
                      {Role::kQ, "self_attn.q_proj"},
                      {Role::kK, "self_attn.k_proj"},
                      {Role::kV, "self_attn.v_proj"},
                      {Role::kO, "self_attn.o_proj"},
                      {Role::kMlpNorm, "post_attention_layernorm"},
                      {Role::kGate, "mlp.gate_proj"},
                      {Role::kUp, "mlp.up_proj"},
                      {Role::kDown, "mlp.down_proj"}}};
}

}  // namespace lq::families
