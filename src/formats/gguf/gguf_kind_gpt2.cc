// GPT-2. The file has its matrices [outputs, inputs], as others have them.
#include "base/error.h"
#include "formats/gguf/gguf_kind.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

void read_gpt2(const GgufKindSource& source, OrderedJson& config) {
  LQ_CHECK(config["num_key_value_heads"] == source.heads, kUnsupported,
           "{}: {}attention.head_count_kv is not that of the heads, which is not computed", source.keys.who(),
           source.prefix);
  LQ_CHECK(source.head_dim * source.heads == source.hidden, kUnsupported,
           "{}: {} heads of {} are not as wide as the model, {}, which is not computed", source.keys.who(),
           source.heads, source.head_dim, source.hidden);
  OrderedJson own = {{"architectures", config["architectures"]},
                     {"model_type", config["model_type"]},
                     {"vocab_size", config["vocab_size"]},
                     {"n_embd", source.hidden},
                     {"n_inner", config["intermediate_size"]},
                     {"n_layer", source.blocks},
                     {"n_head", source.heads},
                     {"n_positions", source.positions},
                     {"activation_function", "gelu_new"},
                     {"layer_norm_epsilon", config["norm_eps"]},
                     {"tie_word_embeddings", config["tie_word_embeddings"]},
                     {"dtype", config["dtype"]}};
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
    if (config.contains(key)) own[key] = config[key];
  }
  config = std::move(own);
}

GgufNames gpt2_tensor_names() {
  GgufNames names;
  names.block = "transformer.h.";
  names.outside = {{"token_embd", "transformer.wte"},
                   {"position_embd", "transformer.wpe"},
                   {"output_norm", "transformer.ln_f"},
                   {"output", "lm_head"}};
  names.inside = {{"attn_norm", "ln_1"}, {"attn_qkv", "attn.c_attn"}, {"attn_output", "attn.c_proj"},
                  {"ffn_norm", "ln_2"},  {"ffn_up", "mlp.c_fc"},      {"ffn_down", "mlp.c_proj"}};
  names.with_bias = {"output_norm", "attn_norm", "attn_qkv", "attn_output", "ffn_norm", "ffn_up", "ffn_down"};
  return names;
}

}  // namespace

GgufKind gguf_gpt2_kind() {
  return {.name = "gpt2",
          .architecture = "GPT2LMHeadModel",
          .model_type = "gpt2",
          .names = gpt2_tensor_names(),
          .layer_norms = true,
          .own_rotation = true,
          .read = read_gpt2};
}

}  // namespace lq
