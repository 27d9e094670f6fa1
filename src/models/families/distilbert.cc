#include "models/families/distilbert.h"

#include "models/families/config_keys.h"
#include "models/families/encoder_keys.h"

namespace lq::families {
namespace {

template <EncoderHead kHead>
ModelSpec read_distilbert(const JsonObject& given) {
  const JsonObject config = with_own_names(
      given, {{"hidden_size", "dim"}, {"num_attention_heads", "n_heads"}, {"num_hidden_layers", "n_layers"}});
  ModelSpec spec = read_encoder(config, kHead,
                                {.hidden = "dim",
                                 .layers = "n_layers",
                                 .heads = "n_heads",
                                 .inner = "hidden_dim",
                                 .activation = "activation",
                                 .fixed_eps = true});
  spec.label_activation = HeadActivation::kRelu;
  refuse_unknown_encoder_keys(config);
  return spec;
}

TensorNames distilbert_names() {
  const std::string body = "distilbert.";
  return {.block = body + "transformer.layer.",
          .modules = {{Role::kEmbedding, body + "embeddings.word_embeddings"},
                      {Role::kPositions, body + "embeddings.position_embeddings"},
                      {Role::kEmbeddingNorm, body + "embeddings.LayerNorm"},
                      {Role::kQ, "attention.q_lin"},
                      {Role::kK, "attention.k_lin"},
                      {Role::kV, "attention.v_lin"},
                      {Role::kO, "attention.out_lin"},
                      {Role::kAttentionNormAfter, "sa_layer_norm"},
                      {Role::kUp, "ffn.lin1"},
                      {Role::kDown, "ffn.lin2"},
                      {Role::kMlpNormAfter, "output_layer_norm"},
                      {Role::kHead, "vocab_projector"},
                      {Role::kHeadBias, "vocab_projector"},
                      {Role::kHeadDense, "vocab_transform"},
                      {Role::kFinalNorm, "vocab_layer_norm"},
                      {Role::kLabelDense, "pre_classifier"},
                      {Role::kLabelOutput, "classifier"}},
          .body = body};
}

}  // namespace

std::vector<ModelFamily> distilbert() {
  return {{{"DistilBertModel"}, "distilbert", distilbert_names(), read_distilbert<EncoderHead::kNone>},
          {{"DistilBertForMaskedLM"},
           "distilbert",
           distilbert_names(),
           read_distilbert<EncoderHead::kMaskedToken>},
          {{"DistilBertForSequenceClassification"},
           "distilbert",
           distilbert_names(),
           read_distilbert<EncoderHead::kLabels>}};
}

}  // namespace lq::families
