// BERT without a head: an encoder, as sentence encoders are.
#include "base/error.h"
#include "formats/gguf/gguf_kind.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

void read_bert(const GgufKindSource& source, OrderedJson& config) {
  LQ_CHECK(config["num_key_value_heads"] == source.heads && source.head_dim * source.heads == source.hidden,
           kUnsupported, "{}: {} heads of {} are not as wide as the model, {}, which BERT does not have",
           source.keys.who(), source.heads, source.head_dim, source.hidden);
  const GgufFile::Tensor* const types = source.tensor("token_types.weight");
  LQ_CHECK(types != nullptr && types->entry->shape.size() == 2, kNotFound,
           "{}: no tensor token_types.weight of two dimensions", source.keys.who());
  // formats/gguf/gguf_pooling.h reads it.
  (void)source.keys.has(source.key("pooling_type"));
  OrderedJson own = {{"architectures", config["architectures"]},
                     {"model_type", config["model_type"]},
                     {"vocab_size", config["vocab_size"]},
                     {"hidden_size", source.hidden},
                     {"intermediate_size", config["intermediate_size"]},
                     {"num_hidden_layers", source.blocks},
                     {"num_attention_heads", source.heads},
                     {"hidden_act", "gelu"},
                     {"layer_norm_eps", config["norm_eps"]},
                     {"max_position_embeddings", source.positions},
                     {"type_vocab_size", types->entry->shape[0]},
                     {"position_embedding_type", "absolute"},
                     {"dtype", config["dtype"]}};
  const std::string pad = "tokenizer.ggml.padding_token_id";
  if (source.keys.has(pad)) own["pad_token_id"] = source.keys.integer(pad, 0, INT32_MAX);
  config = std::move(own);
}

GgufNames bert_tensor_names() {
  GgufNames names;
  names.block = "encoder.layer.";
  names.outside = {{"token_embd", "embeddings.word_embeddings"},
                   {"position_embd", "embeddings.position_embeddings"},
                   {"token_types", "embeddings.token_type_embeddings"},
                   {"token_embd_norm", "embeddings.LayerNorm"}};
  names.inside = {{"attn_q", "attention.self.query"},
                  {"attn_k", "attention.self.key"},
                  {"attn_v", "attention.self.value"},
                  {"attn_output", "attention.output.dense"},
                  {"attn_output_norm", "attention.output.LayerNorm"},
                  {"ffn_up", "intermediate.dense"},
                  {"ffn_down", "output.dense"},
                  {"layer_output_norm", "output.LayerNorm"}};
  names.with_bias = {"token_embd_norm"};
  for (const auto& [name, module] : names.inside) names.with_bias.insert(name);
  return names;
}

}  // namespace

GgufKind gguf_bert_kind() {
  return {.name = "bert",
          .architecture = "BertModel",
          .model_type = "bert",
          .names = bert_tensor_names(),
          .layer_norms = true,
          .own_rotation = true,
          .encoder = true,
          .read = read_bert};
}

}  // namespace lq
