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

Activation activation_of(const JsonObject& config, const std::string& key, const std::string& name) {
  if (name == "silu" || name == "swish") return Activation::kSilu;
  if (name == "gelu_pytorch_tanh" || name == "gelu_python_tanh" || name == "gelu_new" ||
      name == "gelu_fast" || name == "gelu_accurate") {
    return Activation::kGeluTanh;
  }
  if (name == "gelu" || name == "gelu_python") return Activation::kGelu;
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

JsonObject with_own_names(const JsonObject& given,
                          std::initializer_list<std::pair<const char*, const char*>> names) {
  JsonObject config = given;
  for (const auto& [other, own] : names) {
    auto& json = config.json();
    if (!json.contains(other)) continue;
    LQ_CHECK(!json.contains(own) || json[own] == json[other], kUnsupported,
             "{}: {} is {}, but {}, which is another name of it, is {}", config.who(), own, json[own].dump(),
             other, json[other].dump());
    json[own] = json[other];
    json.erase(other);
  }
  return config;
}

bool changes_no_number(std::string_view key) {
  // With an underscore they are notes of the tool that wrote the file.
  return key.starts_with("_") || std::ranges::find(kIgnorable, key) != kIgnorable.end();
}

void refuse_unknown_keys(const JsonObject& config, std::initializer_list<std::string_view> ignorable) {
  for (const std::string& key : config.unread_keys()) {
    if (changes_no_number(key)) continue;
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
