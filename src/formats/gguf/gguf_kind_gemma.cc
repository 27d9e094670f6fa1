// Gemma 2 and 3. llama.cpp's converter adds 1 to their norms, whose weights are what is added to 1.
#include "base/error.h"
#include "formats/gguf/gguf_kind.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

// Which blocks have the window: attention.sliding_window_pattern says it for each, or how many there are from
// one without to the next.
OrderedJson layer_kinds(const GgufKindSource& source, bool windows, std::int64_t usual_pattern) {
  const std::string key = source.key("attention.sliding_window_pattern");
  const std::vector<std::int64_t> listed = source.keys.flags_if_array(key);
  LQ_CHECK(listed.empty() || std::ssize(listed) == source.blocks, kCorruptFile,
           "{}: {} has {} entries for {} blocks", source.keys.who(), key, listed.size(), source.blocks);
  const std::int64_t pattern =
      listed.empty() ? source.keys.integer_or(key, usual_pattern, 0, kGgufSizeLimit) : 0;
  OrderedJson kinds = OrderedJson::array();
  for (std::int64_t i = 0; i < source.blocks; ++i) {
    const bool sliding = !listed.empty() ? listed[static_cast<std::size_t>(i)] != 0
                                         : pattern == 0 || i % pattern < pattern - 1;
    kinds.push_back(windows && sliding ? "sliding_attention" : "full_attention");
  }
  return kinds;
}

void read_gemma(const GgufKindSource& source, std::int64_t blocks_of_27b, OrderedJson& config) {
  config.erase("hidden_act");
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["attention_bias"] = source.has_bias("attn_q");
  // No key says it: the largest model alone, which llama.cpp knows by its blocks, has another scale.
  config["query_pre_attn_scalar"] =
      source.blocks == blocks_of_27b ? source.hidden / source.heads : source.head_dim;
}

void read_gemma2(const GgufKindSource& source, OrderedJson& config) {
  read_gemma(source, 46, config);
  config["sliding_window"] =
      source.keys.integer_or(source.key("attention.sliding_window"), 4096, 1, kGgufSizeLimit);
  config["layer_types"] = layer_kinds(source, true, 2);
  config["attn_logit_softcapping"] =
      source.keys.number_or(source.key("attn_logit_softcapping"), 50.0, 1e-3, 1e6);
  config["final_logit_softcapping"] =
      source.keys.number_or(source.key("final_logit_softcapping"), 30.0, 1e-3, 1e6);
}

void read_gemma3(const GgufKindSource& source, OrderedJson& config) {
  read_gemma(source, 62, config);
  const std::int64_t window =
      source.keys.integer_or(source.key("attention.sliding_window"), 0, 0, kGgufSizeLimit);
  if (window > 0) config["sliding_window"] = window;
  config["layer_types"] = layer_kinds(source, window > 0, 6);
  config["rope_local_base_freq"] =
      source.keys.number_or(source.key("rope.freq_base_swa"), 10000.0, 1.0, 1e12);
  const double cap = source.keys.number_or(source.key("final_logit_softcapping"), 0.0, 0.0, 1e6);
  if (cap > 0.0) config["final_logit_softcapping"] = cap;
}

GgufNames gemma_tensor_names() {
  GgufNames names = gguf_decoder_names();
  names.inside["post_attention_norm"] = "post_attention_layernorm";
  names.inside["ffn_norm"] = "pre_feedforward_layernorm";
  names.inside["post_ffw_norm"] = "post_feedforward_layernorm";
  names.with_bias = {"attn_q", "attn_k", "attn_v", "attn_output"};
  return names;
}

GgufNames gemma3_tensor_names() {
  GgufNames names = gemma_tensor_names();
  names.inside["attn_q_norm"] = "self_attn.q_norm";
  names.inside["attn_k_norm"] = "self_attn.k_norm";
  return names;
}

}  // namespace

std::vector<GgufKind> gguf_gemma_kinds() {
  return {{.name = "gemma2",
           .architecture = "Gemma2ForCausalLM",
           .model_type = "gemma2",
           .names = gemma_tensor_names(),
           .norms_plus_one = true,
           .read = read_gemma2},
          {.name = "gemma3",
           .architecture = "Gemma3ForCausalLM",
           .model_type = "gemma3_text",
           .names = gemma3_tensor_names(),
           .norms_plus_one = true,
           .read = read_gemma3}};
}

}  // namespace lq
