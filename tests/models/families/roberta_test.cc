#include "models/families/roberta.h"

#include <gtest/gtest.h>

#include "models/families/encoder_config.h"

namespace lq {
namespace {

TEST(RobertaFamily, PositionsBeginBehindThePaddings) {
  auto json = encoder_config("RobertaForMaskedLM", "roberta");
  EXPECT_EQ(spec_of(json).position_offset, 2);  // pad_token_id is 1 where the file says nothing
  EXPECT_EQ(spec_of(json).max_positions, 30);
  json["pad_token_id"] = 4;
  EXPECT_EQ(spec_of(json).position_offset, 5);
  EXPECT_EQ(spec_of(json).max_positions, 27);
  json["pad_token_id"] = 31;
  EXPECT_THROW(spec_of(json), Error);
}

TEST(RobertaFamily, TheMaskedHeadHasGeluWhateverTheBlocksHave) {
  auto json = encoder_config("RobertaForMaskedLM", "roberta");
  json["hidden_act"] = "relu";
  EXPECT_EQ(spec_of(json).head_dense, Activation::kGelu);
  EXPECT_EQ(spec_of(json).blocks[0].mlp.activation, Activation::kRelu);
  EXPECT_FALSE(spec_of(encoder_config("RobertaModel", "roberta")).has_head);
}

TEST(RobertaFamily, XlmRobertaIsTheSameUnderItsName) {
  const auto json = encoder_config("XLMRobertaForSequenceClassification", "xlm-roberta");
  const ModelSpec spec = spec_of(json);
  EXPECT_EQ(spec.labels, (LabelSpec{2, false}));
  EXPECT_FALSE(spec.label_dense_in_body);
  EXPECT_EQ(module_name(json, Role::kLabelOutput), "classifier.out_proj");
  EXPECT_EQ(module_name(json, Role::kEmbedding), "roberta.embeddings.word_embeddings");
  EXPECT_EQ(labels_architecture(config_of(json)), "XLMRobertaForSequenceClassification");
}

}  // namespace
}  // namespace lq
