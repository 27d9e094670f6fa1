#include "models/families/roberta.h"

#include "base/error.h"
#include "models/families/bert.h"
#include "models/families/encoder_keys.h"

namespace lq::families {
namespace {

template <EncoderHead kHead>
ModelSpec read_roberta(const JsonObject& config) {
  ModelSpec spec = read_encoder(config, kHead);
  spec.token_types = config.integer_or("type_vocab_size", 2, 1, 1 << 20);
  spec.position_offset = config.integer_or("pad_token_id", 1, 0) + 1;
  LQ_CHECK(spec.position_offset < spec.learned_positions, kCorruptFile,
           "{}: max_position_embeddings is {}, but positions begin at pad_token_id + 1, {}", config.who(),
           spec.learned_positions, spec.position_offset);
  spec.max_positions = spec.learned_positions - spec.position_offset;
  // The head of masked tokens has GELU, whatever the blocks have.
  if (spec.has_head) spec.head_dense = Activation::kGelu;
  refuse_unknown_encoder_keys(config);
  return spec;
}

TensorNames roberta_names() {
  TensorNames n = bert_body_names("roberta.");
  n.modules.insert({{Role::kHead, "lm_head.decoder"},
                    {Role::kHeadBias, "lm_head"},
                    {Role::kHeadDense, "lm_head.dense"},
                    {Role::kFinalNorm, "lm_head.layer_norm"},
                    {Role::kLabelDense, "classifier.dense"},
                    {Role::kLabelOutput, "classifier.out_proj"}});
  return n;
}

}  // namespace

std::vector<ModelFamily> roberta() {
  std::vector<ModelFamily> all;
  for (const auto& [name, type] :
       {std::pair<std::string, std::string>{"Roberta", "roberta"}, {"XLMRoberta", "xlm-roberta"}}) {
    all.push_back({{name + "Model"}, type, roberta_names(), read_roberta<EncoderHead::kNone>});
    all.push_back({{name + "ForMaskedLM"}, type, roberta_names(), read_roberta<EncoderHead::kMaskedToken>});
    all.push_back(
        {{name + "ForSequenceClassification"}, type, roberta_names(), read_roberta<EncoderHead::kLabels>});
  }
  return all;
}

}  // namespace lq::families
