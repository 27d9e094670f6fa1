#include "models/families/bert.h"

#include "models/families/encoder_keys.h"

namespace lq::families {
namespace {

template <EncoderHead kHead>
ModelSpec read_bert(const JsonObject& config) {
  ModelSpec spec = read_encoder(config, kHead);
  spec.label_dense_in_body = true;
  spec.token_types = config.integer_or("type_vocab_size", 2, 1, 1 << 20);
  refuse_unknown_encoder_keys(config);
  return spec;
}

TensorNames bert_names() {
  TensorNames n = bert_body_names("bert.");
  n.modules.insert({{Role::kHead, "cls.predictions.decoder"},
                    {Role::kHeadBias, "cls.predictions"},
                    {Role::kHeadDense, "cls.predictions.transform.dense"},
                    {Role::kFinalNorm, "cls.predictions.transform.LayerNorm"},
                    {Role::kLabelDense, "bert.pooler.dense"},
                    {Role::kLabelOutput, "classifier"}});
  return n;
}

}  // namespace

TensorNames bert_body_names(const std::string& body) {
  return {.block = body + "encoder.layer.",
          .modules = {{Role::kEmbedding, body + "embeddings.word_embeddings"},
                      {Role::kPositions, body + "embeddings.position_embeddings"},
                      {Role::kTypes, body + "embeddings.token_type_embeddings"},
                      {Role::kEmbeddingNorm, body + "embeddings.LayerNorm"},
                      {Role::kQ, "attention.self.query"},
                      {Role::kK, "attention.self.key"},
                      {Role::kV, "attention.self.value"},
                      {Role::kO, "attention.output.dense"},
                      {Role::kAttentionNormAfter, "attention.output.LayerNorm"},
                      {Role::kUp, "intermediate.dense"},
                      {Role::kDown, "output.dense"},
                      {Role::kMlpNormAfter, "output.LayerNorm"}},
          .body = body};
}

std::vector<ModelFamily> bert() {
  return {
      {{"BertModel"}, "bert", bert_names(), read_bert<EncoderHead::kNone>},
      {{"BertForMaskedLM", "BertForPreTraining"}, "bert", bert_names(), read_bert<EncoderHead::kMaskedToken>},
      {{"BertForSequenceClassification"}, "bert", bert_names(), read_bert<EncoderHead::kLabels>}};
}

}  // namespace lq::families
