#include "models/families/config_keys.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace lq::families {
namespace {

// Keys that say how a model was made, saved, trained or is generated from: they change no number of a pass.
constexpr auto kIgnorable = std::to_array<std::string_view>({"architectures",
                                                             "is_causal",  // model_spec() looks at it
                                                             "model_type",
                                                             "auto_map",
                                                             "transformers_version",
                                                             "torch_dtype",
                                                             "dtype",
                                                             "_name_or_path",
                                                             "name_or_path",
                                                             "use_cache",
                                                             "cache_implementation",
                                                             "initializer_range",
                                                             "pad_token_id",
                                                             "bos_token_id",
                                                             "unk_token_id",
                                                             "sep_token_id",
                                                             "cls_token_id",
                                                             "mask_token_id",
                                                             "attention_dropout",
                                                             "attn_dropout",
                                                             "attn_pdrop",
                                                             "embd_pdrop",
                                                             "resid_pdrop",
                                                             "hidden_dropout",
                                                             "hidden_dropout_prob",
                                                             "dropout",
                                                             "return_dict",
                                                             "output_hidden_states",
                                                             "output_attentions",
                                                             "return_dict_in_generate",
                                                             "is_decoder",
                                                             "id2label",
                                                             "label2id",
                                                             "num_labels",
                                                             "problem_type",
                                                             "chunk_size_feed_forward",
                                                             "pretraining_tp",
                                                             "attn_implementation",
                                                             "_attn_implementation",
                                                             "_attn_implementation_autoset",
                                                             "_flash_attn_2_enabled",
                                                             "quantization_config",
                                                             "task_specific_params",
                                                             "tokenizer_class",
                                                             "max_length",
                                                             "min_length",
                                                             "do_sample",
                                                             "temperature",
                                                             "top_k",
                                                             "top_p",
                                                             "typical_p",
                                                             "num_beams",
                                                             "num_beam_groups",
                                                             "length_penalty",
                                                             "repetition_penalty",
                                                             "no_repeat_ngram_size",
                                                             "early_stopping",
                                                             "num_return_sequences",
                                                             "gradient_checkpointing",
                                                             "unsloth_fixed",
                                                             "unsloth_version",
                                                             "model_name",
                                                             "base_model"});

constexpr std::int64_t kMaxWidth = std::int64_t{1} << 20;
constexpr std::int64_t kMaxLayers = 10000;

RopeType rope_type(const JsonObject& section, const std::string& name) {
  if (name == "default") return RopeType::kDefault;
  if (name == "linear") return RopeType::kLinear;
  if (name == "dynamic") return RopeType::kDynamic;
  if (name == "llama3") return RopeType::kLlama3;
  if (name == "yarn") return RopeType::kYarn;
  if (name == "longrope") return RopeType::kLongRope;
  fail(ErrorCode::kUnsupported,
       "{}: rotary embedding of type \"{}\" is not computed (known: default, linear, dynamic, llama3, yarn, "
       "longrope)",
       section.who(), name);
}

void read_long_rope(const JsonObject& s, RopeConfig& rope) {
  rope.short_factor = s.numbers("short_factor", 1e-3, 1e6);
  rope.long_factor = s.numbers("long_factor", 1e-3, 1e6);
  LQ_CHECK(!rope.short_factor.empty() && rope.short_factor.size() == rope.long_factor.size(), kCorruptFile,
           "{}: longrope needs a short_factor and a long_factor for each frequency, but they have {} and {} "
           "numbers",
           s.who(), rope.short_factor.size(), rope.long_factor.size());
  const double usual = static_cast<double>(rope.max_positions) / static_cast<double>(rope.original_positions);
  rope.factor = s.number_or("factor", usual, 1e-3, 1e6);
  rope.attention_factor = s.number_or(
      "attention_factor", long_rope_attention_factor(rope.factor, rope.original_positions), 1e-3, 1e3);
}

void read_yarn(const JsonObject& s, RopeConfig& rope) {
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

void read_scaling(const JsonObject& config, const JsonObject& s, RopeConfig& rope) {
  rope.type = rope_type(s, s.has("rope_type") ? s.text("rope_type") : s.text_or("type", "default"));
  rope.share = s.number_or("partial_rotary_factor", rope.share, 1e-3, 1.0);
  if (rope.type == RopeType::kDefault) return;
  // Beside the section it wins over the one within, as in transformers.
  if (!config.has("original_max_position_embeddings")) {
    rope.original_positions = s.integer_or("original_max_position_embeddings", rope.original_positions);
  }
  if (rope.type == RopeType::kLongRope) return read_long_rope(s, rope);
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
  if (rope.type == RopeType::kYarn) read_yarn(s, rope);
}

// The number of angles fits what turns.
void check_rope(const JsonObject& config, const RopeConfig& rope, std::int64_t head_dim) {
  const std::int64_t dims = rope.dims(head_dim);
  LQ_CHECK(dims >= 2 && static_cast<double>(dims) + 1.0 > rope.share * static_cast<double>(head_dim),
           kUnsupported, "{}: partial_rotary_factor {} of a head_dim of {} is no even number of dimensions",
           config.who(), rope.share, head_dim);
  LQ_CHECK(rope.type != RopeType::kDynamic || dims > 2, kCorruptFile,
           "{}: dynamic rotary scaling needs a head_dim above 2", config.who());
  LQ_CHECK(
      rope.type != RopeType::kLongRope || std::ssize(rope.short_factor) == dims / 2, kCorruptFile,
      "{}: short_factor and long_factor have {} numbers, but {} dimensions of a head turn, which need {}",
      config.who(), rope.short_factor.size(), dims, dims / 2);
}

Activation activation_of(const JsonObject& config, const std::string& key, const std::string& name) {
  if (name == "silu" || name == "swish") return Activation::kSilu;
  if (name == "gelu_pytorch_tanh" || name == "gelu_new" || name == "gelu_fast") return Activation::kGeluTanh;
  if (name == "gelu") return Activation::kGelu;
  if (name == "relu") return Activation::kRelu;
  fail(ErrorCode::kUnsupported,
       "{}: {} \"{}\" is not computed (known: silu, gelu, gelu_new, gelu_pytorch_tanh, relu)", config.who(),
       key, name);
}

}  // namespace

JsonObject with_defaults(const JsonObject& config, const nlohmann::ordered_json& defaults) {
  nlohmann::ordered_json all = config.json();
  for (const auto& [key, value] : defaults.items()) {
    if (!all.contains(key)) all[key] = value;
  }
  return {std::move(all), config.who()};
}

RopeConfig read_rope_section(const JsonObject& config, const JsonObject* section, std::int64_t max_positions,
                             double theta) {
  RopeConfig rope;
  rope.max_positions = max_positions;
  rope.original_positions = config.integer_or("original_max_position_embeddings", max_positions);
  rope.share = config.number_or("partial_rotary_factor", 1.0, 1e-3, 1.0);
  rope.theta = theta;
  if (section != nullptr) {
    rope.theta = section->number_or("rope_theta", theta, 1.0, 1e12);
    read_scaling(config, *section, rope);
  }
  return rope;
}

RopeConfig read_rope(const JsonObject& config, std::int64_t max_positions, double default_theta) {
  const double theta = config.number_or("rope_theta", default_theta, 1.0, 1e12);
  const auto scaling = config.section_if("rope_scaling");
  const auto section = scaling && !scaling->json().empty() ? scaling : config.section_if("rope_parameters");
  return read_rope_section(config, section ? &*section : nullptr, max_positions, theta);
}

Activation read_activation(const JsonObject& config, const std::string& key, std::string_view usual) {
  return activation_of(config, key, config.text_or(key, usual));
}

std::vector<bool> sliding_layers(const JsonObject& config, std::int64_t layers,
                                 const std::function<bool(std::int64_t)>& usual) {
  const std::vector<std::string> kinds = config.texts("layer_types");
  LQ_CHECK(kinds.empty() || std::ssize(kinds) == layers, kCorruptFile,
           "{}: layer_types has {} entries for {} layers", config.who(), kinds.size(), layers);
  std::vector<bool> sliding;
  for (std::int64_t i = 0; i < layers; ++i) {
    if (kinds.empty()) {
      sliding.push_back(usual(i));
      continue;
    }
    const std::string& kind = kinds[static_cast<std::size_t>(i)];
    LQ_CHECK(kind == "full_attention" || kind == "sliding_attention", kUnsupported,
             "{}: layer_types names \"{}\", which is not computed (known: full_attention, sliding_attention)",
             config.who(), kind);
    sliding.push_back(kind == "sliding_attention");
  }
  return sliding;
}

void set_windows(const JsonObject& config, std::int64_t first, ModelSpec& spec) {
  if (config.json().contains("sliding_window") && !config.has("sliding_window")) return;
  const std::int64_t window = config.integer_or("sliding_window", 4096);
  const std::vector<bool> sliding =
      sliding_layers(config, spec.layers(), [first](std::int64_t layer) { return layer >= first; });
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    if (sliding[i]) spec.blocks[i].attention.window = window;
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
  b.norm.eps = static_cast<float>(config.number_or("rms_norm_eps", defaults.norm_eps, 0.0, 1.0));
  m.final_norm = b.norm;
  m.tied_embeddings = config.boolean_or("tie_word_embeddings", defaults.tied);
  b.mlp.activation = read_activation(config, defaults.activation_key, defaults.activation);
  if (defaults.one_rope) {
    m.rope = read_rope(config, m.max_positions, defaults.rope_theta);
    LQ_CHECK(defaults.partial_rotary || m.rope.share == 1.0, kUnsupported,
             "{}: partial_rotary_factor {} is not computed for this model (only 1)", config.who(),
             m.rope.share);
    check_rope(config, m.rope, a.head_dim);
  }
  m.bos = config.integer_or("bos_token_id", -1, -1);
  m.eos = config.integers("eos_token_id", 0, std::int64_t{1} << 40);
  m.blocks.assign(static_cast<std::size_t>(layers), b);
  return m;
}

void refuse_unknown_keys(const JsonObject& config, std::initializer_list<std::string_view> ignorable) {
  for (const std::string& key : config.unread_keys()) {
    // With an underscore they are notes of the tool that wrote the file.
    if (key.starts_with("_") || std::ranges::find(kIgnorable, key) != kIgnorable.end()) continue;
    if (std::ranges::find(ignorable, key) != ignorable.end()) continue;
    const auto& value = config.json().at(key);
    const bool off = value.is_null() || (value.is_boolean() && !value.get<bool>()) ||
                     (value.is_number() && value.get<double>() == 0.0) || value.empty() ||
                     (value.is_string() && value.get_ref<const std::string&>().empty());
    LQ_CHECK(
        off, kUnsupported,
        "{}: {} is {}, a key that this program does not know for {}: it could change what the model computes",
        config.who(), key, value.dump(), config.text_or("model_type", "this model"));
  }
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
