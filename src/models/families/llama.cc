#include "models/families/llama.h"

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

void read_scaling(const JsonObject& s, RopeConfig& rope) {
  rope.type = rope_type(s, s.has("rope_type") ? s.text("rope_type") : s.text_or("type", "default"));
  LQ_CHECK(s.number_or("partial_rotary_factor", 1.0) == 1.0, kUnsupported,
           "{}: partial_rotary_factor other than 1 is not computed", s.who());
  if (rope.type == RopeType::kDefault) return;
  rope.original_positions = s.integer_or("original_max_position_embeddings", rope.original_positions);
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

RopeConfig read_rope(const JsonObject& config, std::int64_t max_positions) {
  RopeConfig rope;
  rope.max_positions = max_positions;
  rope.original_positions = max_positions;
  rope.theta = config.number_or("rope_theta", 10000.0, 1.0, 1e12);
  // transformers 5 has everything in rope_parameters; 4 had rope_theta beside rope_scaling.
  if (const auto section = config.section_if("rope_parameters")) {
    rope.theta = section->number_or("rope_theta", rope.theta, 1.0, 1e12);
    read_scaling(*section, rope);
  } else if (const auto scaling = config.section_if("rope_scaling")) {
    read_scaling(*scaling, rope);
  }
  return rope;
}

std::vector<std::int64_t> read_windows(const JsonObject& config, const std::string& type,
                                       std::int64_t layers) {
  std::vector<std::int64_t> windows(static_cast<std::size_t>(layers), 0);
  if (type == "mistral" && config.has("sliding_window")) {
    windows.assign(windows.size(), config.integer("sliding_window"));
  } else if (type == "qwen2" && config.boolean_or("use_sliding_window", false) &&
             config.has("sliding_window")) {
    const std::int64_t window = config.integer("sliding_window");
    const std::vector<std::string> kinds = config.texts("layer_types");
    LQ_CHECK(kinds.empty() || std::ssize(kinds) == layers, kCorruptFile,
             "{}: layer_types has {} entries for {} layers", config.who(), kinds.size(), layers);
    const std::int64_t full = config.integer_or("max_window_layers", 28, 0);
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const bool sliding =
          kinds.empty() ? static_cast<std::int64_t>(i) >= full : kinds[i] == "sliding_attention";
      if (sliding) windows[i] = window;
    }
  }
  return windows;
}

ModelSpec read_spec(const JsonObject& config) {
  const std::vector<std::string> names = config.texts("architectures");
  std::string type = config.text_or("model_type", "llama");
  if (!names.empty() && names[0] == "MistralForCausalLM") type = "mistral";
  if (!names.empty() && names[0] == "Qwen2ForCausalLM") type = "qwen2";

  ModelSpec c;
  c.vocab = config.integer("vocab_size", 1, std::int64_t{1} << 28);
  c.hidden = config.integer("hidden_size", 1, kMaxWidth);
  c.intermediate = config.integer("intermediate_size", 1, kMaxWidth * 8);
  c.layers = config.integer("num_hidden_layers", 1, kMaxLayers);
  c.heads = config.integer("num_attention_heads", 1, kMaxWidth);
  c.kv_heads = config.integer_or("num_key_value_heads", c.heads, 1, kMaxWidth);
  LQ_CHECK(c.heads % c.kv_heads == 0, kCorruptFile,
           "{}: num_attention_heads is {}, which num_key_value_heads, {}, does not divide", config.who(),
           c.heads, c.kv_heads);
  LQ_CHECK(config.has("head_dim") || c.hidden % c.heads == 0, kCorruptFile,
           "{}: hidden_size is {}, which num_attention_heads, {}, does not divide, and there is no head_dim",
           config.who(), c.hidden, c.heads);
  c.head_dim = config.integer_or("head_dim", c.hidden / c.heads, 2, kMaxWidth);
  LQ_CHECK(c.head_dim % 2 == 0, kCorruptFile, "{}: head_dim is {}, but rotary embeddings need an even one",
           config.who(), c.head_dim);
  c.max_positions = config.integer_or("max_position_embeddings", 2048, 1, std::int64_t{1} << 30);
  c.norm_eps = static_cast<float>(config.number_or("rms_norm_eps", 1e-6, 0.0, 1.0));
  c.tied_embeddings = config.boolean_or("tie_word_embeddings", false);
  c.qkv_bias = type == "qwen2" || config.boolean_or("attention_bias", false);
  c.output_bias = type != "qwen2" && config.boolean_or("attention_bias", false);
  c.mlp_bias = config.boolean_or("mlp_bias", false);
  const std::string act = config.text_or("hidden_act", "silu");
  LQ_CHECK(act == "silu" || act == "swish", kUnsupported, "{}: hidden_act \"{}\" is not computed (only silu)",
           config.who(), act);
  c.windows = read_windows(config, type, c.layers);
  c.rope = read_rope(config, c.max_positions);
  LQ_CHECK(c.rope.type != RopeType::kDynamic || c.head_dim > 2, kCorruptFile,
           "{}: dynamic rotary scaling needs a head_dim above 2", config.who());
  c.bos = config.integer_or("bos_token_id", -1, -1);
  c.eos = config.integers("eos_token_id", 0, std::int64_t{1} << 40);
  return c;
}

}  // namespace

ModelFamily llama() {
  return {.architectures = {"LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM"},
          .model_types = {"llama", "mistral", "qwen2"},
          .spec = read_spec};
}

}  // namespace lq::families
