// OLMo 2: norms after the branches, norms of whole queries and keys. (OLMo 3 has the same name, and windows,
// which are not read.)
#include "formats/gguf/gguf_kind.h"

namespace lq {
namespace {

void read_olmo2(const GgufKindSource& source, nlohmann::ordered_json& config) {
  config["attention_bias"] = source.has_bias("attn_q");
}

}  // namespace

GgufKind gguf_olmo2_kind() {
  GgufNames names = gguf_decoder_names();
  names.inside.erase("attn_norm");
  names.inside.erase("ffn_norm");
  names.inside["attn_q_norm"] = "self_attn.q_norm";
  names.inside["attn_k_norm"] = "self_attn.k_norm";
  names.inside["post_attention_norm"] = "post_attention_layernorm";
  names.inside["post_ffw_norm"] = "post_feedforward_layernorm";
  names.with_bias = {"attn_q", "attn_k", "attn_v", "attn_output"};
  return {.name = "olmo2",
          .architecture = "Olmo2ForCausalLM",
          .model_type = "olmo2",
          .names = std::move(names),
          .read = read_olmo2};
}

}  // namespace lq
