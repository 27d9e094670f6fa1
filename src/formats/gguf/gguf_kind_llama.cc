// Llama (also Mistral and SmolLM2), Mixtral, which is Llama with experts, and Qwen.
#include "base/error.h"
#include "formats/gguf/gguf_kind.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

void read_llama(const GgufKindSource& source, OrderedJson& config) {
  config["attention_bias"] = source.has_bias("attn_q");
  config["mlp_bias"] = source.has_bias("ffn_gate");
}

void read_qwen3(const GgufKindSource& source, OrderedJson& config) {
  config["attention_bias"] = source.has_bias("attn_q");
}

std::int64_t used_experts(const GgufKindSource& source) {
  return source.keys.integer(source.key("expert_used_count"), 1, source.experts);
}

// llama.cpp lets the weights of the chosen experts sum to 1, as Mixtral does.
void read_mixtral(const GgufKindSource& source, OrderedJson& config) {
  config["num_local_experts"] = source.experts;
  config["num_experts_per_tok"] = used_experts(source);
  config["sliding_window"] = nullptr;
}

void read_qwen3_moe(const GgufKindSource& source, OrderedJson& config) {
  const std::int64_t used = used_experts(source);
  const std::string width = source.key("expert_feed_forward_length");
  const std::int64_t all = config["intermediate_size"].get<std::int64_t>();
  config["num_experts"] = source.experts;
  config["num_experts_per_tok"] = used;
  config["moe_intermediate_size"] =
      source.keys.has(width) ? source.keys.common_integer(width, 1, kGgufSizeLimit) : all / used;
  config["norm_topk_prob"] = true;
  config["decoder_sparse_step"] = 1;
  config["mlp_only_layers"] = OrderedJson::array();
  config["attention_bias"] = source.has_bias("attn_q");
  config["use_sliding_window"] = false;
}

GgufNames qwen3_names() {
  GgufNames names = gguf_decoder_names();
  names.inside["attn_q_norm"] = "self_attn.q_norm";
  names.inside["attn_k_norm"] = "self_attn.k_norm";
  names.with_bias = {"attn_q", "attn_k", "attn_v", "attn_output"};
  return names;
}

// A stack of the experts' matrices in place of one of each.
GgufNames with_experts(GgufNames names, const std::string& module, const std::string& router,
                       const char* gate, const char* up, const char* down) {
  for (const char* plain : {"ffn_gate", "ffn_up", "ffn_down"}) {
    names.inside.erase(plain);
    names.with_bias.erase(plain);
  }
  names.inside["ffn_gate_inp"] = router;
  names.inside["ffn_gate_exps"] = fmt::format("{}.experts.{{}}.{}", module, gate);
  names.inside["ffn_up_exps"] = fmt::format("{}.experts.{{}}.{}", module, up);
  names.inside["ffn_down_exps"] = fmt::format("{}.experts.{{}}.{}", module, down);
  return names;
}

GgufNames mixtral_tensor_names() {
  GgufNames names =
      with_experts(gguf_decoder_names(), "block_sparse_moe", "block_sparse_moe.gate", "w1", "w3", "w2");
  names.with_bias.clear();
  return names;
}

GgufNames qwen2_tensor_names() {
  GgufNames names = gguf_decoder_names();
  names.with_bias = {"attn_q", "attn_k", "attn_v"};
  return names;
}

}  // namespace

std::vector<GgufKind> gguf_llama_kinds() {
  return {{.name = "llama",
           .architecture = "LlamaForCausalLM",
           .model_type = "llama",
           .names = gguf_decoder_names(),
           .permuted = true,
           .read = read_llama},
          {.name = "llama",
           .architecture = "MixtralForCausalLM",
           .model_type = "mixtral",
           .names = mixtral_tensor_names(),
           .experts = true,
           .permuted = true,
           .read = read_mixtral},
          {.name = "qwen2",
           .architecture = "Qwen2ForCausalLM",
           .model_type = "qwen2",
           .names = qwen2_tensor_names()},
          {.name = "qwen3",
           .architecture = "Qwen3ForCausalLM",
           .model_type = "qwen3",
           .names = qwen3_names(),
           .read = read_qwen3},
          {.name = "qwen3moe",
           .architecture = "Qwen3MoeForCausalLM",
           .model_type = "qwen3_moe",
           .names = with_experts(qwen3_names(), "mlp", "mlp.gate", "gate_proj", "up_proj", "down_proj"),
           .experts = true,
           .read = read_qwen3_moe}};
}

}  // namespace lq
